"""From `git push` to the new version's first answer, for a small Python app that is redeployed under load."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from functions.local.demo.traffic import Probe, probing
from tests.bench.apps import create_app, git, working_copy
from tests.bench.checkout import Platform
from tests.bench.options import Options, say
from tests.bench.row import Row, row

AT_MOST_SECONDS = 3.0
RATE = 100.0
APP = "redeployed"
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    clone: Path
    probe: Probe


def measure(options: Options) -> Iterator[Row]:
    """Push a first version, then newer ones, to each platform in turn."""
    times: list[list[float]] = [[] for _ in options.platforms]
    with ExitStack() as stack:
        sides = [_side(stack, platform) for platform in options.platforms]
        seen = [len(side.probe.answers) for side in sides]
        for _ in range(options.pick(5, 2)):
            for side, figures in zip(sides, times, strict=True):
                figures.append(_push(side))
        time.sleep(1.0)  # the old version drains
        answers = [side.probe.answers[first:] for side, first in zip(sides, seen, strict=True)]
    lost = [[one for one in of if one.failed] for of in answers]
    for answer in lost[0][:3]:
        say(f"  lost: {answer}")
    note = f"{RATE:g} requests/s, {len(times[0])} pushes"
    yield row("git push to new version", times, "s", at_most=AT_MOST_SECONDS, note=note)
    counts = [[len(one)] for one in lost]
    yield row("requests lost while redeploying", counts, "", at_most=0, note=f"of {len(answers[0])}")


def _side(stack: ExitStack, platform: Platform) -> _Side:
    create_app(platform, APP)
    at = platform.endpoints
    probe = stack.enter_context(probing(host=f"{APP}.localhost", port=at.apps_port, ca=Path(at.ca), rate=RATE))
    side = _Side(clone=working_copy(platform, APP), probe=probe)
    say(f"  first deploy, {platform.name}: {_push(side):.2f} s")
    return side


def _push(side: _Side) -> float:
    """Push a change and return the seconds until an answer names its commit."""
    with (side.clone / "CHANGES").open("a") as file:
        file.write("changed\n")
    git(side.clone, "add", "--all")
    git(side.clone, "-c", "user.name=dev", "-c", "user.email=dev@example.com", "commit", "--quiet", "-m", "change")
    sha, seen = git(side.clone, "rev-parse", "HEAD").strip(), len(side.probe.answers)
    started = time.time()
    git(side.clone, "push", "--quiet", "paas", "main")
    while time.time() - started < _PATIENCE:
        found = next((one for one in side.probe.answers[seen:] if not one.failed and sha[:7] in one.text), None)
        if found is not None:
            return found.at - started
        time.sleep(0.02)
    msg = f"{sha} did not answer within {_PATIENCE:g} s; the last answer is {side.probe.answers[-1:]}"
    raise RuntimeError(msg)
