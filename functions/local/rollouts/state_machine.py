"""The state of each environment's release, moved on; and what is restarted."""

import logging
import time
from dataclasses import dataclass, field, replace

from functions.common.domain.release import Workload
from functions.local.ports import free_port
from functions.local.rollouts.canary import Canary
from functions.local.rollouts.ingress import Traffic
from functions.local.rollouts.readiness import Proving, probe
from functions.local.rollouts.store import UNPROVEN, Rollouts, Stage, Version
from functions.local.rollouts.supervision import ProcessState, Programs, Supervision
from functions.local.rollouts.termination import Ending

# Keeping a live version alive: after its processes' end, after a new start of the whole platform.

_LOG = logging.getLogger(__name__)
_AGAIN_SECONDS = 5.0
_PROBE_SECONDS = 10.0


@dataclass(slots=True, kw_only=True)
class Upkeep:
    """Starts again what is down; a program that ends again and again is left alone for some seconds."""

    rollouts: Rollouts
    programs: Programs
    supervision: Supervision
    traffic: Traffic
    _started: dict[str, float] = field(default_factory=dict)

    def ensure(self, version: Version) -> None:
        """See that every process of the version runs and that traffic can reach it."""
        for process in version.lasting:
            name = version.program(process)
            state = self.supervision.state(name)
            if state is not None and (not state.down or state.phase == "halted"):
                continue
            last = self._started.get(name)
            if last and time.monotonic() - last < _AGAIN_SECONDS:
                continue
            self._started[name] = time.monotonic()
            if process == "web":
                version = self._revive(version, state)
            else:
                self.programs.write(version, process)
                self.supervision.start(name)

    def _revive(self, version: Version, state: ProcessState | None) -> Version:
        """Start the web process on its port, where requests wait for it, or on a free one if that was taken."""
        if not self.programs.image_is_there(version):
            _LOG.error("the image %s of %s is gone: push again", version.workload.digest, version.program("web"))
            return version
        _LOG.info("%s is started again (%s)", version.program("web"), "down" if state else "unknown")
        version = self.rollouts.note(replace(version, port=free_port(version.port)))
        self.programs.write(version, "web")
        self.supervision.start(version.program("web"))
        deadline = time.monotonic() + _PROBE_SECONDS
        while probe(version.port, version.workload.health_path, version.host) and time.monotonic() < deadline:
            time.sleep(0.03)
        self.traffic.place(version.app, version.environment, slot=version.slot, upstream=version.upstream)
        self.traffic.split(version.app, version.environment, slot=version.slot)
        return version


# The way of one release on this machine: release command, start, health check, traffic, life, drain.
#
# Every call of `advance` does what there is to do now and returns; all that a later call must know
# stands in PostgreSQL, so that a controller after this one goes on.


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One for all environments; calls for one environment must not overlap."""

    rollouts: Rollouts
    proving: Proving
    canary: Canary
    ending: Ending
    upkeep: Upkeep

    def advance(self, app: str, environment: str) -> tuple[object, ...]:
        """Take the environment one step on; return where it was, equal when nothing moved since."""
        generation, wanted = self.rollouts.wanted(app, environment)
        versions = self.rollouts.versions(app, environment, generation)
        if wanted is None:
            self.ending.remove(app, environment, versions)
            return ()
        versions = self._without_removed(app, environment, versions)
        for version in versions:
            if version.stage is Stage.DRAINING:
                self.ending.drain(version)
            elif version.stage in UNPROVEN and version.release < generation:
                reason = f"release {generation} came before this one was live"
                self.ending.fail(version, _live(versions), step="superseded", reason=reason)
        live = _live(versions)
        newest = next((version for version in versions if version.release == generation), None)
        if newest is None:
            self._begin(wanted, live)
        elif newest.stage in UNPROVEN:
            self._prove(newest, live)
        if live:
            self.upkeep.ensure(live)
        return (generation, *((version.release, version.stage, version.weight) for version in versions))

    def _without_removed(self, app: str, environment: str, versions: list[Version]) -> list[Version]:
        """End what is of a deleted app; one of its name may have its own release asked for already."""
        through = self.rollouts.removed(app, environment)
        over = [one for one in versions if one.release <= through and one.stage not in {Stage.FAILED, Stage.STOPPED}]
        rest = [one for one in versions if one.release > through]
        return self.ending.bury(over, rest) if over else rest

    def _begin(self, wanted: Workload, live: Version | None) -> None:
        version = self.rollouts.begin(wanted)
        _LOG.info("%s/%s release %s begins", version.app, version.environment, version.release)
        self._prove(version, live)

    def _prove(self, version: Version, live: Version | None) -> None:
        if version.stage is Stage.RELEASING:
            trouble = self.proving.release(version)
        elif version.stage is Stage.STARTING:
            trouble = self.proving.start(version, live)
        else:
            trouble = self.canary.shift(version, live)
        if trouble:
            self.ending.fail(version, live, step=trouble.step, reason=trouble.reason, log_tail=trouble.log_tail)


def _live(versions: list[Version]) -> Version | None:
    return next((version for version in versions if version.stage is Stage.LIVE), None)
