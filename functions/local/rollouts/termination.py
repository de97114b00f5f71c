"""The end of a version: it failed, was replaced, or its environment was removed."""

import logging
import time
from dataclasses import dataclass, field, replace

from functions.local.rollouts.caddy import CADDY_LAG_SECONDS, CaddyAdmin
from functions.local.rollouts.ingress import Ingress, Traffic
from functions.local.rollouts.store import RolloutStore, Stage, Version
from functions.local.rollouts.supervision import AppPrograms, ProcessManager
from functions.local.rollouts.web_ports import WebPorts

_LOG = logging.getLogger(__name__)
_POLL_SECONDS = 0.03


@dataclass(slots=True, kw_only=True)
class Termination:
    """Requests in flight have `grace` seconds to end."""

    store: RolloutStore
    programs: AppPrograms
    process_manager: ProcessManager
    traffic: Traffic
    ingress: Ingress
    admin: CaddyAdmin
    ports: WebPorts
    grace: float
    _draining_since: dict[tuple[str, str, int], float] = field(default_factory=dict)

    def fail(self, version: Version, live: Version | None, *, step: str, reason: str, log_tail: str = "") -> None:
        """Return all traffic to the live version, report the failure, and stop the failed version."""
        _LOG.info("%s/%s release %s fails: %s", version.app, version.environment, version.release, step)
        if live:
            self.traffic.set_split(version.app, version.environment, slot=live.slot)
        elif version.stage is Stage.SHIFTING:
            self.traffic.remove(version.app, version.environment)
        failed = replace(version, stage=Stage.FAILED, weight=0)
        self.store.transition(failed, step=step, reason=reason, log_tail=log_tail)
        if version.stage is Stage.SHIFTING:
            deadline = time.monotonic() + self.grace
            time.sleep(CADDY_LAG_SECONDS)
            while self._in_flight(version) and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
        self._stop(version)

    def drain(self, version: Version) -> None:
        """Stop the version's other processes now, and its web process when it has no request in flight."""
        since = self._draining_since.setdefault(version.key, time.monotonic())
        for name in self._programs(version):
            if version.process_of(name) != "web":
                self._stop_program(name)
        waited = time.monotonic() - since
        if waited < CADDY_LAG_SECONDS or (waited < self.grace and self._in_flight(version)):
            return
        self._stop(version)
        self._draining_since.pop(version.key, None)
        self.store.save(replace(version, stage=Stage.STOPPED))

    def stop_removed(self, old: list[Version], others: list[Version]) -> list[Version]:
        """Stop old versions at once, and return the others, of which none shares its traffic with an old one."""
        others = [
            self.store.save(replace(one, stage=Stage.STARTING, weight=0)) if one.stage is Stage.SHIFTING else one
            for one in others
        ]
        if not any(one.stage is Stage.LIVE for one in others):
            self.traffic.remove(old[0].app, old[0].environment)
            self.ingress.sync()
        for version in old:
            self._stop(version)
            self.store.save(replace(version, stage=Stage.STOPPED, weight=0))
        return others

    def remove_environment(self, app: str, environment: str, versions: list[Version]) -> None:
        """Stop and delete all of the environment."""
        self.ingress.sync()
        for version in versions:
            self._stop(version)
        self.traffic.remove(app, environment)
        self.programs.remove_environment(app, environment)
        self.store.delete_environment(app, environment)

    def stop_orphans(self) -> None:
        """Stop programs of no active version, which a controller that died has left."""
        names = self.programs.written() | set(self.process_manager.states())  # read before the versions: none is newer
        active = self.store.active_releases()
        for name in names:
            _, app, environment, release, _ = name.split(".", 4)
            if (app, environment, int(release)) not in active:
                self._stop_program(name)

    def _stop(self, version: Version) -> None:
        for name in self._programs(version):
            self._stop_program(name)
        self.ports.release(*(port for port in (version.port, *version.ports) if port))

    def _programs(self, version: Version) -> list[str]:
        names = {version.program(process) for process in version.workload.processes}
        return sorted(names | {name for name in self.programs.written() if version.process_of(name)})

    def _in_flight(self, version: Version) -> int:
        return sum(self.admin.in_flight(upstream) for upstream in version.upstreams)

    def _stop_program(self, name: str) -> None:
        self.process_manager.remove(name)
        self.programs.remove(name)
        self.ports.forget(name)
