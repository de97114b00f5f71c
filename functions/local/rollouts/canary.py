"""A canary: the share of traffic, the requests that failed, and its end."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from functions.local.builds.steps import log_tail
from functions.local.rollouts.ingress import WHOLE, Traffic
from functions.local.rollouts.readiness import Trouble, probe
from functions.local.rollouts.store import Rollouts, Stage, Version
from functions.local.rollouts.supervision import ProcessState, Programs, Supervision

# What Caddy's access log says of each upstream since a moment.

_SERVER_ERROR = 500


@dataclass(slots=True)
class Tally:
    """Requests that an upstream answered, and those that it answered with a server error."""

    requests: int = 0
    errors: int = 0


@dataclass(slots=True)
class AccessLog:
    """Reads on from the end that the file had when this object was made; follows rotation."""

    path: Path
    tallies: dict[str, Tally] = field(default_factory=dict)
    _offset: int = 0
    _inode: int = 0
    _rest: bytes = b""

    def __post_init__(self) -> None:
        """Begin at the end."""
        if self.path.exists():
            status = self.path.stat()
            self._offset, self._inode = status.st_size, status.st_ino

    def read(self) -> None:
        """Count what was written since the last reading."""
        for entry in self._entries():
            # `first` is the version whose answer was an error, so that the request went to the other one too.
            first = entry.get("first")
            if first:
                self._count(str(first), failed=True)
            upstream = entry.get("upstream")
            if upstream:
                self._count(str(upstream), failed=int(entry.get("status") or 0) >= _SERVER_ERROR)

    def _count(self, upstream: str, *, failed: bool) -> None:
        tally = self.tallies.setdefault(upstream, Tally())
        tally.requests += 1
        tally.errors += failed

    def _entries(self) -> Iterator[dict[str, Any]]:
        try:
            with self.path.open("rb") as file:
                status = self.path.stat()
                if status.st_ino != self._inode or status.st_size < self._offset:
                    self._offset, self._inode, self._rest = 0, status.st_ino, b""
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                continue


def verdict(new: Tally, old: Tally) -> str:
    """Return why the new version is to be given up, or nothing.

    It may err as often as the old one does, two requests more, and one percent more.
    """
    expected = new.requests * old.errors / old.requests if old.requests else 0.0
    surplus = new.errors - expected
    if surplus < 3 or surplus < new.requests / 100:  # noqa: PLR2004 - the promise above
        return ""
    before = f"{old.errors} of {old.requests}"
    return f"{new.errors} of its {new.requests} requests failed with a server error (the running version: {before})"


# Moving traffic to a new version by percents, and watching how it does.

_UNWELL = 3  # health checks in a row


@dataclass(slots=True)
class _Watch:
    """What this controller has seen of a version since its first traffic, and since when its step lasts.

    `unwell` counts the health checks in a row that it failed at the end of this step.
    """

    log: AccessLog
    process: tuple[int, int]
    weight: int = -1
    since: float = 0.0
    unwell: int = 0


@dataclass(slots=True, kw_only=True)
class Canary:
    """Moves on after `pause` seconds at each step; judges by process, access log and health check."""

    rollouts: Rollouts
    programs: Programs
    supervision: Supervision
    traffic: Traffic
    access_log: Path
    pause: float
    _watches: dict[tuple[str, str, int], _Watch] = field(default_factory=dict)

    def shift(self, version: Version, live: Version | None) -> Trouble | None:
        """Give the version its share, watch it, and after the pause give it the next one, or all."""
        state = self.supervision.state(version.program("web"))
        if state is None or state.phase == "new":
            self._back(version, live)  # the whole platform was started anew
            return None
        if state.phase == "halted":
            return None  # the platform is ending
        watch = self._watches.setdefault(version.key, _Watch(log=AccessLog(self.access_log), process=state.process))
        trouble = self._trouble(version, live, watch, state)
        if trouble is None:
            self.traffic.split(version.app, version.environment, slot=version.slot, weight=version.weight)
            trouble = self._go_on(version, live, watch)
        if trouble:
            self._watches.pop(version.key)
        return trouble

    def _go_on(self, version: Version, live: Version | None, watch: _Watch) -> Trouble | None:
        if watch.weight != version.weight:
            watch.weight, watch.since, watch.unwell = version.weight, time.monotonic(), 0
        if version.weight >= WHOLE:
            self._watches.pop(version.key)
            self.rollouts.promote(version, live)
        elif time.monotonic() - watch.since >= self.pause:
            return self._step(version, watch)
        return None

    def _step(self, version: Version, watch: _Watch) -> Trouble | None:
        # Where few requests come, none may have met the new version: it is asked itself before each step.
        wrong = probe(version.port, version.workload.health_path, version.host)
        watch.unwell = watch.unwell + 1 if wrong else 0
        if watch.unwell >= _UNWELL:
            return self._found(version, wrong)
        if not wrong:
            after = (step for step in version.workload.steps if step > version.weight)
            self.rollouts.move(replace(version, weight=min(next(after, WHOLE), WHOLE)))
        return None

    def _back(self, version: Version, live: Version | None) -> None:
        self._watches.pop(version.key, None)
        if live:
            self.traffic.split(version.app, version.environment, slot=live.slot)
        self.rollouts.move(replace(version, stage=Stage.STARTING, weight=0))

    def _trouble(self, version: Version, live: Version | None, watch: _Watch, state: ProcessState) -> Trouble | None:
        reason = ""
        if state.phase == "failed" or state.process != watch.process:
            reason = f"the web process ended{state.ending} while it had {version.weight} % of the traffic"
        elif live:
            watch.log.read()
            new, old = (watch.log.tallies.get(one.upstream, Tally()) for one in (version, live))
            reason = verdict(new, old)
        return self._found(version, reason) if reason else None

    def _found(self, version: Version, reason: str) -> Trouble:
        tail = log_tail(self.programs.log_path(version, "web"))
        return Trouble(step=f"canary at {version.weight} %", reason=reason, log_tail=tail)
