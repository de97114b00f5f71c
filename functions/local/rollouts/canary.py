"""A canary: moves traffic to a new version step by step, and watches its process, its errors and its health."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from functions.local.rollouts.ingress import WHOLE, Traffic
from functions.local.rollouts.readiness import Failure, probe
from functions.local.rollouts.store import RolloutStore, Stage, Version
from functions.local.rollouts.supervision import AppPrograms, ProcessManager, ProcessState

_MAX_FAILED_PROBES = 3  # in a row
_ENDING_SECONDS = 1.0  # how a process ended is known a little later than that it does not answer


@dataclass(slots=True, kw_only=True)
class Canary:
    """Goes to the next step after `pause` seconds."""

    store: RolloutStore
    programs: AppPrograms
    process_manager: ProcessManager
    traffic: Traffic
    access_log: Path
    pause: float
    _observations: dict[tuple[str, str, int], "_Observation"] = field(default_factory=dict)

    def shift(self, version: Version, live: Version | None) -> Failure | None:
        """Give the version its share of the traffic, look for a failure, and go to the next step when it is due."""
        state = self.process_manager.state(version.program("web"))
        if state is None or state.phase == "new":
            self._restart_rollout(version, live)  # the whole platform was restarted
            return None
        if state.phase == "stopped":
            return None  # the platform is stopping
        seen = self._observations.setdefault(
            version.key, _Observation(log=AccessLog(self.access_log), process=state.process)
        )
        failure = self._find_failure(version, live, seen, state)
        if failure is None:
            self.traffic.set_split(version.app, version.environment, slot=version.slot, weight=version.weight)
            failure = self._advance(version, live, seen)
        if failure:
            self._observations.pop(version.key)
        return failure

    def _advance(self, version: Version, live: Version | None, seen: "_Observation") -> Failure | None:
        if seen.weight != version.weight:
            seen.weight, seen.since, seen.failed_probes = version.weight, time.monotonic(), 0
        if version.weight >= WHOLE:
            self._observations.pop(version.key)
            self.store.promote(version, live)
        elif time.monotonic() - seen.since >= self.pause:
            return self._next_step(version, seen)
        return None

    def _next_step(self, version: Version, seen: "_Observation") -> Failure | None:
        # With little traffic no request may have reached the new version: it is probed before each step.
        problem = probe(version.port, version.workload.health_path, version.host)
        seen.failed_probes = seen.failed_probes + 1 if problem else 0
        if seen.failed_probes == 1:
            seen.failing_since = time.monotonic()
        if seen.failed_probes >= _MAX_FAILED_PROBES and time.monotonic() - seen.failing_since >= _ENDING_SECONDS:
            ended = self.programs.ended(version, "web")  # before it was first seen here
            return self._failure(version, ended.reason("web process") if ended else problem)
        if not problem:
            later = (step for step in version.workload.steps if step > version.weight)
            self.store.transition(replace(version, weight=min(next(later, WHOLE), WHOLE)))
        return None

    def _restart_rollout(self, version: Version, live: Version | None) -> None:
        self._observations.pop(version.key, None)
        if live:
            self.traffic.set_split(version.app, version.environment, slot=live.slot)
        self.store.transition(replace(version, stage=Stage.STARTING, weight=0))

    def _find_failure(
        self, version: Version, live: Version | None, seen: "_Observation", state: ProcessState
    ) -> Failure | None:
        reason = ""
        if state.phase == "failed" or state.process != seen.process:
            ended = self.programs.ended(version, "web")
            what = ended.reason("web process") if ended else "the web process ended"
            reason = f"{what}, while it had {version.weight} % of the traffic"
        elif live:
            seen.log.read()
            new, old = (seen.log.of(one.upstreams) for one in (version, live))
            reason = excess_of_errors(new, old)
        return self._failure(version, reason) if reason else None

    def _failure(self, version: Version, reason: str) -> Failure:
        tail = self.programs.output(version, "web")
        return Failure(step=f"canary at {version.weight} %", reason=reason, log_tail=tail)


@dataclass(slots=True)
class _Observation:
    """What this controller has seen of a version since its first traffic; `since` is the start of its current step."""

    log: "AccessLog"
    process: tuple[int, int]
    weight: int = -1
    since: float = 0.0
    failed_probes: int = 0
    failing_since: float = 0.0


_SERVER_ERROR = 500


@dataclass(slots=True)
class RequestCount:
    """How many requests an upstream answered, and how many of them with a server error."""

    requests: int = 0
    errors: int = 0


def excess_of_errors(new: RequestCount, old: RequestCount) -> str:
    """Return why the new version has too many errors, or nothing.

    It may fail as often as the old one, plus two requests, plus one percent.
    """
    expected = new.requests * old.errors / old.requests if old.requests else 0.0
    excess = new.errors - expected
    if excess < 3 or excess < new.requests / 100:  # noqa: PLR2004 - as the docstring says
        return ""
    before = f"{old.errors} of {old.requests}"
    return f"{new.errors} of its {new.requests} requests failed with a server error (the running version: {before})"


@dataclass(slots=True)
class AccessLog:
    """Counts requests by upstream in Caddy's access log from its end on; follows rotation."""

    path: Path
    counts: dict[str, RequestCount] = field(default_factory=dict)
    _offset: int = 0
    _inode: int = 0
    _rest: bytes = b""

    def __post_init__(self) -> None:
        """Begin at the end of the file."""
        if self.path.exists():
            status = self.path.stat()
            self._offset, self._inode = status.st_size, status.st_ino

    def read(self) -> None:
        """Count what was written since the last call."""
        for entry in self._entries():
            # `first` is a version that answered with an error, after which Caddy repeated the request on the other one.
            first = entry.get("first")
            if first:
                self._count(str(first), failed=True)
            upstream = entry.get("upstream")
            if upstream:
                self._count(str(upstream), failed=int(entry.get("status") or 0) >= _SERVER_ERROR)

    def of(self, upstreams: Iterable[str]) -> RequestCount:
        """Return what some upstreams have answered together."""
        found = [self.counts.get(upstream, RequestCount()) for upstream in upstreams]
        return RequestCount(requests=sum(one.requests for one in found), errors=sum(one.errors for one in found))

    def _count(self, upstream: str, *, failed: bool) -> None:
        count = self.counts.setdefault(upstream, RequestCount())
        count.requests += 1
        count.errors += failed

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
