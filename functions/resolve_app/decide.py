"""What a push is to an app, by what the app and the push say alone."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from functions.common.domain.app import App
from functions.common.domain.environment import Environment, preview, production
from functions.common.domain.push import PushState, is_zero
from functions.common.events.push import PushReceived
from functions.common.ports.pushes import Base, Lineage

# Path filters: globs over the paths of a repository.

_TOKENS = re.compile(r"\*\*/|/\*\*\Z|\*\*|\*|\?|.", re.DOTALL)
_MEANINGS = {"**/": "(?:.*/)?", "/**": "/.+", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def touches(globs: Iterable[str], changed: Iterable[str]) -> bool:
    """Return whether a glob matches a path.

    `*` and `?` stop at `/`, `**` does not. Without any of them, `web` (or `web/`) is the file or folder
    of that name and all below it. Other characters are themselves: files are called `[id].tsx`.
    """
    patterns = [_pattern(glob) for glob in globs]
    return any(pattern.fullmatch(path) for path in changed for pattern in patterns)


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    text = glob.strip().removeprefix("./").lstrip("/")
    if text.endswith("/"):
        text += "**"
    below = "" if "*" in text or "?" in text else "(?:/.*)?"
    parts = (_MEANINGS.get(token, re.escape(token)) for token in _TOKENS.findall(text))
    return re.compile("".join(parts) + below, re.DOTALL)


SKIP_MARKERS = ("[skip ci]", "[ci skip]")
SKIP, PATHS, GONE = "skip-ci", "paths", "branch-gone"
SHOWN = 12  # characters of a sha that people read


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`state` RECEIVED: to be built for this environment; else how the push ends, and why."""

    environment: Environment
    state: PushState = PushState.RECEIVED
    code: str = ""
    reason: str = ""


def decide(app: App, event: PushReceived) -> Verdict:
    """Return what the app's settings and the push's own words ask for."""
    place = production if event.branch == app.branch else preview
    environment = place(app.name, event.branch)
    for marker in SKIP_MARKERS:
        if marker in event.message.lower():
            return _ignored(environment, SKIP, f"the message of {event.after[:SHOWN]} says {marker}")
    known = event.complete and not is_zero(event.before) and not event.forced
    if app.paths and known and not touches(app.paths, event.changed):
        reason = f"no changed file matches the paths of {app.name}: {', '.join(app.paths)}"
        return _ignored(environment, PATHS, reason)
    return Verdict(environment=environment)


def is_plain(verdict: Verdict, event: PushReceived, head: str | None) -> bool:
    """Return whether nothing but the push itself counts: it is the head, and nothing speaks against it."""
    return verdict.state is PushState.RECEIVED and head == event.after


def weigh(verdict: Verdict, event: PushReceived, *, head: str | None, lineage: Lineage) -> Verdict:
    """Return the verdict by the branch's head now (None: cannot be read) and what is recorded of the branch.

    Only the head is built, so pushes may arrive in any order. A filter holds only while it hides nothing
    else: the change that an ignored push is made on must not have been dropped for that push's sake.
    """
    if verdict.code and _filter_holds(verdict.code, lineage.base):
        return verdict
    verdict = replace(verdict, state=PushState.RECEIVED, code="", reason="")
    if head == "":
        return _ignored(verdict.environment, GONE, f"the branch {event.branch} does not exist any more")
    if head is None or (head != event.after and lineage.head_ignored):
        overtaken, reason = lineage.overtaken, "a newer push of the branch came in before this one"
    else:
        overtaken, reason = head != event.after, f"the branch is already at {head[:SHOWN]}"
    return replace(verdict, state=PushState.SUPERSEDED, reason=reason) if overtaken else verdict


def _filter_holds(code: str, base: Base) -> bool:
    return base is not Base.DROPPED and (code == SKIP or base is not Base.UNKNOWN)


def _ignored(environment: Environment, code: str, reason: str) -> Verdict:
    return Verdict(environment=environment, state=PushState.IGNORED, code=code, reason=reason)
