"""Several processes of one type: web processes share the traffic of their version, each on its own port."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from functions.common.errors import Rejected
from functions.local.rollouts.caddy import CADDY_LAG_SECONDS, CaddyAdmin
from functions.local.rollouts.ingress import Traffic
from functions.local.rollouts.readiness import probe
from functions.local.rollouts.store import RolloutStore, Version
from functions.local.rollouts.supervision import AppPrograms, ProcessManager, ProcessState
from functions.local.rollouts.web_ports import WebPorts

_LOG = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Replicas:
    """Starts and stops the second and later processes of each type; the first ones have other owners.

    A web process gets requests when it has answered its health check, and ends when it has none in flight.
    """

    store: RolloutStore
    programs: AppPrograms
    process_manager: ProcessManager
    traffic: Traffic
    admin: CaddyAdmin
    ports: WebPorts
    _healthy: dict[str, tuple[int, int]] = field(default_factory=dict)
    _leaving: dict[str, float] = field(default_factory=dict)

    def sync(self, version: Version) -> Version:
        """Make the numbers those of the version's workload as far as can be done now, and record what runs."""
        states = self.process_manager.states()
        version = self._sync_web(version, states)
        for process in version.long_running:
            if process != "web":
                self._sync_others(version, process, states)
        return self._record(version)

    def _sync_web(self, version: Version, states: dict[str, ProcessState]) -> Version:
        wanted = max(0, version.replicas_of("web") - 1)
        if len(version.ports) < wanted:
            ports = (*version.ports, *(self.ports.take() for _ in range(wanted - len(version.ports))))
            version = self.store.save(replace(version, ports=ports))
        version = self._move_web(version, wanted, states)
        states = self.process_manager.states()
        kept = dict(tuple(self._web(version))[:wanted])
        for name in kept:
            self._leaving.pop(name, None)
            self._start(version, name, states)
        healthy = [port for name, port in kept.items() if self._is_healthy(version, name, port, states)]
        upstreams = (version.upstream, *(f"127.0.0.1:{port}" for port in healthy))
        self.traffic.set_upstreams(version.app, version.environment, slot=version.slot, upstreams=upstreams)
        return self._stop_web(version, wanted)

    def _move_web(self, version: Version, wanted: int, states: dict[str, ProcessState]) -> Version:
        """Start web processes whose ports others have taken again, on other ports."""
        ports = list(version.ports)
        for position, (name, port) in enumerate(tuple(self._web(version))[:wanted]):
            if not self._is_lost(version, name, port, states.get(name)):
                continue
            if not self._is_lost(version, name, port, self.process_manager.state(name)):  # the first one may be old
                continue
            process = name.removeprefix(version.program(""))
            if other := self.ports.move(version, process, port):
                ports[position] = other
                self._healthy.pop(name, None)
                self.process_manager.remove(name)  # then it is started as one that does not run
        return version if tuple(ports) == version.ports else self.store.save(replace(version, ports=tuple(ports)))

    def _is_lost(self, version: Version, name: str, port: int, state: ProcessState | None) -> bool:
        process = name.removeprefix(version.program(""))
        return state is not None and self.ports.is_lost(version, process, port, state)

    def _stop_web(self, version: Version, wanted: int) -> Version:
        """Stop the web processes beyond the wanted number, the last one first."""
        for name, port in reversed(tuple(self._web(version))[wanted:]):
            since = self._leaving.setdefault(name, time.monotonic())
            if time.monotonic() - since < CADDY_LAG_SECONDS or self.admin.in_flight(f"127.0.0.1:{port}"):
                break
            self._remove(name)
            version = self.store.save(replace(version, ports=version.ports[:-1]))
            self.ports.release(port)
        return version

    def _sync_others(self, version: Version, process: str, states: dict[str, ProcessState]) -> None:
        wanted = version.replicas_of(process)
        names = [version.program(one) for one in replica_names(process, wanted)]
        for name in names[1:]:
            self._start(version, name, states)
        for name in sorted(states):
            if version.process_of(name) == process and name not in names:
                self._remove(name)

    def _start(self, version: Version, name: str, states: dict[str, ProcessState]) -> None:
        state = states.get(name)
        if state is None or state.phase == "new" or (state.down and state.phase != "stopped"):
            try:
                self.programs.write(version, name.split(".", 4)[4])
            except Rejected as error:
                self.store.forget_image(version)
                _LOG.error("%s is not started: %s", name, error)
                return
            self.process_manager.start(name)

    def _is_healthy(self, version: Version, name: str, port: int, states: dict[str, ProcessState]) -> bool:
        """Return whether this very process has answered its health check once."""
        state = states.get(name)
        if state is None or state.phase != "running":
            return False
        if self._healthy.get(name) != state.process:
            process = name.removeprefix(version.program(""))
            if probe(port, version.workload.health_path, version.host):
                return False
            if not self.ports.listens(version, process, port, state):
                return False
            self._healthy[name] = state.process
        return True

    def _remove(self, name: str) -> None:
        self._healthy.pop(name, None)
        self._leaving.pop(name, None)
        self.ports.forget(name)
        self.process_manager.remove(name)
        self.programs.remove(name)

    def _record(self, version: Version) -> Version:
        ready = dict.fromkeys(version.long_running, 0)
        for name, state in self.process_manager.states().items():
            process = version.process_of(name)
            later = name.count(".") > version.program("").count(".")
            if (
                process in ready
                and state.phase == "running"
                and (process != "web" or not later or name in self._healthy)
            ):
                ready[process] += 1
        if ready == version.ready:
            return version
        version = replace(version, ready=ready)
        self.store.record_ready(version)
        return version

    def _web(self, version: Version) -> Iterator[tuple[str, int]]:
        names = replica_names("web", len(version.ports) + 1)[1:]
        return ((version.program(name), port) for name, port in zip(names, version.ports, strict=True))


def replica_names(process: str, number: int) -> list[str]:
    """Return the names of a process type's processes: the first one has that of the type."""
    return [process if position == 1 else f"{process}.{position}" for position in range(1, number + 1)]
