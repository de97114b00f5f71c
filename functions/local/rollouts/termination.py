"""The end of a version: given up, replaced, or removed with its environment."""

import logging
import shutil
import time
from dataclasses import dataclass, field, replace

from functions.local.rollouts.caddy import CaddyAdmin
from functions.local.rollouts.ingress import Ingress, Traffic
from functions.local.rollouts.store import Rollouts, Stage, Version
from functions.local.rollouts.supervision import Programs, Supervision

_LOG = logging.getLogger(__name__)
# Between Caddy's reading of the split and its counting of the request.
_SETTLE_SECONDS = 0.1
_POLL_SECONDS = 0.03


@dataclass(slots=True, kw_only=True)
class Ending:
    """Requests in flight have `grace` seconds to end."""

    rollouts: Rollouts
    programs: Programs
    supervision: Supervision
    traffic: Traffic
    ingress: Ingress
    admin: CaddyAdmin
    grace: float
    _since: dict[tuple[str, str, int], float] = field(default_factory=dict)

    def fail(self, version: Version, live: Version | None, *, step: str, reason: str, log_tail: str = "") -> None:
        """Give all traffic back to the running version, report, and stop what was begun."""
        _LOG.info("%s/%s release %s fails: %s", version.app, version.environment, version.release, step)
        if live:
            self.traffic.split(version.app, version.environment, slot=live.slot)
        elif version.stage is Stage.SHIFTING:
            self.traffic.remove(version.app, version.environment)
        failed = replace(version, stage=Stage.FAILED, weight=0)
        self.rollouts.move(failed, step=step, reason=reason, log_tail=log_tail)
        if version.stage is Stage.SHIFTING:
            deadline = time.monotonic() + self.grace
            time.sleep(_SETTLE_SECONDS)
            while self.admin.in_flight(version.upstream) and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
        self._stop(version)

    def drain(self, version: Version) -> None:
        """Stop the version's other processes now, and its web process when nobody waits for it any more."""
        since = self._since.setdefault(version.key, time.monotonic())
        for process in version.lasting:
            if process != "web":
                self._stop_program(version.program(process))
        waited = time.monotonic() - since
        if waited < _SETTLE_SECONDS or (waited < self.grace and self.admin.in_flight(version.upstream)):
            return
        self._stop(version)
        self._since.pop(version.key, None)
        self.rollouts.note(replace(version, stage=Stage.STOPPED))

    def bury(self, over: list[Version], rest: list[Version]) -> list[Version]:
        """End versions at once, and return the others as they are then: none shares its traffic with an ended one."""
        rest = [
            self.rollouts.note(replace(one, stage=Stage.STARTING, weight=0)) if one.stage is Stage.SHIFTING else one
            for one in rest
        ]
        if not any(one.stage is Stage.LIVE for one in rest):
            self.traffic.remove(over[0].app, over[0].environment)
            self.ingress.sync()
        for version in over:
            self._stop(version)
            self.rollouts.note(replace(version, stage=Stage.STOPPED, weight=0))
        return rest

    def remove(self, app: str, environment: str, versions: list[Version]) -> None:
        """Leave nothing of the environment."""
        self.ingress.sync()
        for version in versions:
            self._stop(version)
        self.traffic.remove(app, environment)
        shutil.rmtree(self.programs.log_folder(app, environment), ignore_errors=True)
        self.rollouts.forget(app, environment)

    def sweep(self) -> None:
        """Stop programs that belong to no version: what a controller that died did not come to."""
        names = self.programs.written() | set(self.supervision.states())  # before the versions: none is too new
        active = self.rollouts.active_programs()
        for name in names:
            _, app, environment, release, _ = name.split(".", 4)
            if (app, environment, int(release)) not in active:
                self._stop_program(name)

    def _stop(self, version: Version) -> None:
        for process in version.workload.processes:
            self._stop_program(version.program(process))

    def _stop_program(self, name: str) -> None:
        self.supervision.forget(name)
        self.programs.remove(name)
