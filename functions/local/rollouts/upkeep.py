"""Keeping a live version alive: after its processes' end, after a new start of the whole platform."""

import logging
import time
from dataclasses import dataclass, field, replace

from functions.local.rollouts.probe import probe
from functions.local.rollouts.programs import Programs
from functions.local.rollouts.proving import free_port
from functions.local.rollouts.store import Rollouts
from functions.local.rollouts.supervision import ProcessState, Supervision
from functions.local.rollouts.traffic import Traffic
from functions.local.rollouts.version import Version

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
