"""Decides what a push means for an app: by the app's settings, then by the head and history of the branch."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from functions.common.domain.app import App
from functions.common.domain.environment import Environment, preview, production
from functions.common.domain.push import PushCode, PushState, is_zero
from functions.common.events.push import PushReceived
from functions.common.ports.pushes import BaseState, Lineage

SKIP_MARKERS = ("[skip ci]", "[ci skip]")
SHOWN = 12  # characters of a sha that people read
_TOKENS = re.compile(r"\*\*/|/\*\*\Z|\*\*|\*|\?|.", re.DOTALL)
_MEANINGS = {"**/": "(?:.*/)?", "/**": "/.+", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`state` is RECEIVED if the push is to be built for the environment, else how the push ends, and why."""

    environment: Environment
    state: PushState = PushState.RECEIVED
    code: str = ""
    reason: str = ""


def decide_by_settings(app: App, event: PushReceived) -> Decision:
    """Return what the app's settings and the commit message ask for."""
    target = production if event.branch == app.branch else preview
    environment = target(app.name, event.branch)
    for marker in SKIP_MARKERS:
        if marker in event.message.lower():
            reason = f"the commit message of {event.after[:SHOWN]} contains {marker}"
            return _ignored(environment, PushCode.SKIP_CI, reason)
    is_complete = event.complete and not is_zero(event.before) and not event.forced
    if app.paths and is_complete and not touches(app.paths, event.changed):
        reason = f"no changed file matches the paths of {app.name}: {', '.join(app.paths)}"
        return _ignored(environment, PushCode.PATHS, reason)
    return Decision(environment=environment)


def is_final(decision: Decision, event: PushReceived, head: str | None) -> bool:
    """Return whether the branch cannot change the decision: the push is its head, and no filter applies."""
    return decision.state is PushState.RECEIVED and head == event.after


def decide_by_branch(decision: Decision, event: PushReceived, *, head: str | None, lineage: Lineage) -> Decision:
    """Return the decision after a look at the branch's current head (None: unreadable) and its recorded pushes.

    Only the head is built, so pushes may arrive in any order. A filter applies only if it hides nothing else:
    the push that an ignored push is based on must not have been dropped in favour of it.
    """
    if decision.code and _filter_applies(decision.code, lineage.base):
        return decision
    decision = replace(decision, state=PushState.RECEIVED, code="", reason="")
    if head == "":
        reason = f"the branch {event.branch} no longer exists"
        return _ignored(decision.environment, PushCode.BRANCH_GONE, reason)
    if head is None or (head != event.after and lineage.head_ignored):
        overtaken, reason = lineage.overtaken, "a newer push of the branch arrived before this one"
    else:
        overtaken, reason = head != event.after, f"the branch is already at {head[:SHOWN]}"
    return replace(decision, state=PushState.SUPERSEDED, reason=reason) if overtaken else decision


def touches(globs: Iterable[str], changed: Iterable[str]) -> bool:
    """Return whether a glob matches a path.

    `*` and `?` do not match `/`, `**` does. A glob without them, such as `web` or `web/`, is the file or folder
    of that name with everything below it. All other characters are literal: a file may be called `[id].tsx`.
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


def _filter_applies(code: str, base: BaseState) -> bool:
    return base is not BaseState.DROPPED and (code == PushCode.SKIP_CI or base is not BaseState.UNKNOWN)


def _ignored(environment: Environment, code: PushCode, reason: str) -> Decision:
    return Decision(environment=environment, state=PushState.IGNORED, code=code, reason=reason)
