"""The state machine of an environment's releases: release command, start, health check, traffic, life, drain.

Each call of `advance` does what can be done now and returns. What a later call must know is in PostgreSQL, so
that another controller can continue.
"""

import logging
import time
from dataclasses import dataclass, field, replace

from functions.common.domain.release import Workload
from functions.common.errors import Rejected
from functions.local.rollouts.canary import Canary
from functions.local.rollouts.ingress import Traffic
from functions.local.rollouts.readiness import Readiness, probe
from functions.local.rollouts.replicas import Replicas
from functions.local.rollouts.store import BEFORE_LIVE, RolloutStore, Stage, Version
from functions.local.rollouts.supervision import AppPrograms, ProcessManager, ProcessState
from functions.local.rollouts.termination import Termination
from functions.local.rollouts.web_ports import WebPorts

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMachine:
    """One for all environments; calls for the same environment must not overlap."""

    store: RolloutStore
    readiness: Readiness
    canary: Canary
    termination: Termination
    restart: "Restart"
    replicas: Replicas
    ports: WebPorts

    def advance(self, app: str, environment: str) -> tuple[object, ...]:
        """Take the environment one step further; return its state before, equal to the last one when nothing moved."""
        generation, wanted = self.store.wanted(app, environment)
        versions = self.store.versions(app, environment, generation)
        if wanted is None:
            self.termination.remove_environment(app, environment, versions)
            return ()
        versions = self._stop_removed(app, environment, versions)
        for version in versions:
            if version.stage not in {Stage.FAILED, Stage.STOPPED}:
                self.ports.hold(version)
            if version.stage is Stage.DRAINING:
                self.termination.drain(version)
            elif version.stage in BEFORE_LIVE and version.release < generation:
                reason = f"release {generation} came before this one was live"
                self.termination.fail(version, _live(versions), step="superseded", reason=reason)
        live = _live(versions)
        newest = next((version for version in versions if version.release == generation), None)
        if newest is None:
            self._create(wanted, live)
        elif newest.stage in BEFORE_LIVE:
            self._advance_version(newest, live)
        if newest and newest.stage is Stage.SHIFTING:
            self.replicas.sync(newest)
        if live:
            # The wanted numbers change while a version lives.
            live = replace(live, workload=replace(live.workload, replicas=wanted.replicas))
            self.replicas.sync(self.restart.ensure_running(live))
        return (generation, *((version.release, version.stage, version.weight) for version in versions))

    def _stop_removed(self, app: str, environment: str, versions: list[Version]) -> list[Version]:
        """Stop the versions of a deleted app, and return those of a new app under its name."""
        through = self.store.removed_through(app, environment)
        old = [one for one in versions if one.release <= through and one.stage not in {Stage.FAILED, Stage.STOPPED}]
        others = [one for one in versions if one.release > through]
        return self.termination.stop_removed(old, others) if old else others

    def _create(self, wanted: Workload, live: Version | None) -> None:
        version = self.store.create(wanted)
        _LOG.info("%s/%s release %s begins", version.app, version.environment, version.release)
        self._advance_version(version, live)

    def _advance_version(self, version: Version, live: Version | None) -> None:
        if version.stage is Stage.RELEASING:
            failure = self.readiness.run_release_command(version)
        elif version.stage is Stage.STARTING:
            failure = self.readiness.start_web(version, live)
        else:
            failure = self.canary.shift(version, live)
        if failure:
            self.termination.fail(version, live, step=failure.step, reason=failure.reason, log_tail=failure.log_tail)


def _live(versions: list[Version]) -> Version | None:
    return next((version for version in versions if version.stage is Stage.LIVE), None)


_RESTART_SECONDS = 5.0
_PROBE_SECONDS = 10.0
_POLL_SECONDS = 0.03


@dataclass(slots=True, kw_only=True)
class Restart:
    """Keeps a live version running, also after a restart of the whole platform; each program at most every 5 s."""

    store: RolloutStore
    programs: AppPrograms
    process_manager: ProcessManager
    traffic: Traffic
    ports: WebPorts
    _started: dict[str, float] = field(default_factory=dict)

    def ensure_running(self, version: Version) -> Version:
        """Start the first process of each type that does not run, and lead the traffic to web; return the version."""
        states = self.process_manager.states()
        for process in version.long_running:
            if not version.replicas_of(process):
                continue
            name = version.program(process)
            if self._is_well(version, process, states.get(name)):
                continue
            state = self.process_manager.state(name)
            if self._is_well(version, process, state) or (state and state.phase == "stopped"):
                continue
            last = self._started.get(name)
            if last and time.monotonic() - last < _RESTART_SECONDS:
                continue
            self._started[name] = time.monotonic()
            if process == "web":
                version = self._start_web(version, state)
            else:
                self._start(version, process)
        return version

    def _is_well(self, version: Version, process: str, state: ProcessState | None) -> bool:
        """Return whether there is a process, and one of web has its port for itself."""
        if state is None or state.down:
            return False
        return process != "web" or not self.ports.is_lost(version, process, version.port, state)

    def _start(self, version: Version, process: str) -> None:
        try:
            self.programs.write(version, process)
        except Rejected as error:
            self.store.forget_image(version)
            _LOG.error("%s is not restarted: %s", version.program(process), error)
            return
        self.process_manager.start(version.program(process))

    def _start_web(self, version: Version, state: ProcessState | None) -> Version:
        """Start the web process on its port, where requests wait for it, or on a free one when that is taken."""
        if not self.programs.has_image(version):
            _LOG.error("the image %s of %s is gone: push again", version.workload.digest, version.program("web"))
            return version
        _LOG.info("%s is restarted (%s)", version.program("web"), "down" if state else "unknown")
        version = self.store.save(replace(version, port=self._free_port(version)))
        self._start(version, "web")
        deadline = time.monotonic() + _PROBE_SECONDS
        while not self._is_healthy(version) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        self.traffic.set_upstreams(version.app, version.environment, slot=version.slot, upstreams=(version.upstream,))
        self.traffic.set_split(version.app, version.environment, slot=version.slot)
        return version

    def _free_port(self, version: Version) -> int:
        port = self.ports.take(version.port)
        if port != version.port:
            self.ports.release(version.port)
        return port

    def _is_healthy(self, version: Version) -> bool:
        if probe(version.port, version.workload.health_path, version.host):
            return False
        state = self.process_manager.state(version.program("web"))
        return state is not None and self.ports.listens(version, "web", version.port, state)
