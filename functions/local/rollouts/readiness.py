"""A new version before it gets traffic: its release command, its start, its health check."""

import http.client
import time
from dataclasses import dataclass, field, replace

from functions.common.errors import Rejected, Unavailable
from functions.local.rollouts.ingress import WHOLE, Ingress, Traffic
from functions.local.rollouts.listeners import listening
from functions.local.rollouts.store import RolloutStore, Stage, Version
from functions.local.rollouts.supervision import AppPrograms, ProcessManager, ProcessState
from functions.local.rollouts.web_ports import MOST_MOVES, WebPorts


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a version failed: `step` is where, `log_tail` the last lines of the process."""

    step: str
    reason: str
    log_tail: str = ""


@dataclass(slots=True, kw_only=True)
class Readiness:
    """Time limits are in seconds, and count from the start of the controller."""

    store: RolloutStore
    programs: AppPrograms
    process_manager: ProcessManager
    ingress: Ingress
    traffic: Traffic
    ports: WebPorts
    release_limit: float
    health_limit: float
    _since: dict[str, float] = field(default_factory=dict)

    def run_release_command(self, version: Version) -> Failure | None:
        """Start the release command, or check it; when it has succeeded, or there is none, go to the next stage."""
        if not self.programs.has_image(version):
            return Failure(step="image", reason=self._missing_image(version))
        try:
            return self._run_release_command(version)
        except Rejected as error:
            return self._image_failure(version, error)

    def _image_failure(self, version: Version, error: Rejected) -> Failure:
        self.store.forget_image(version)
        return Failure(step="image", reason=str(error))

    def _run_release_command(self, version: Version) -> Failure | None:
        command = version.workload.processes.get("release")
        state = self._started(version, "release") if command else None
        if state and state.down and state.phase != "stopped":
            if state.exit_code or state.spawn_error:
                reason = self._end_reason(version, "release", f"release command `{command}`", state)
                return self._failure(version, "release", "release command", reason)
            self._remove(version.program("release"))
            state = None
        if state is None:
            self.store.transition(replace(version, stage=Stage.STARTING))
        elif self._is_over(version.program("release"), self.release_limit):
            reason = f"`{command}` did not end within {self.release_limit:g} seconds"
            return self._failure(version, "release", "release command", reason)
        return None

    def start_web(self, version: Version, live: Version | None) -> Failure | None:
        """Start the web process, or check its health; when it is healthy, give it its first traffic."""
        state = self.process_manager.state(version.program("web"))
        has_ended = self.programs.ended(version, "web") is not None
        try:
            if not version.port or state is None or state.phase == "new":
                slot = "b" if live and live.slot == "a" else "a"
                version = self.store.save(replace(version, port=self.ports.take(version.port), slot=slot))
                state, has_ended = self._started(version, "web"), False
            elif self.ports.is_lost(version, "web", version.port, state, has_ended=has_ended):
                return self._move_web(version)
        except Rejected as error:
            return self._image_failure(version, error)
        problem = probe(version.port, version.workload.health_path, version.host)
        if not problem and self.ports.listens(version, "web", version.port, state):
            self._to_shifting(version, live)
        elif has_ended or state.phase == "failed":
            reason = self._end_reason(version, "web", "web process", state)
            return self._failure(version, "web", "start", reason)
        elif self._is_over(version.program("web"), self.health_limit):
            problem = self._where_it_listens(version, state) if problem.endswith(REFUSED) else problem
            return self._failure(version, "web", "health check", f"{problem} (for {self.health_limit:g} seconds)")
        return None

    def _end_reason(self, version: Version, process: str, title: str, state: ProcessState) -> str:
        if ended := self.programs.ended(version, process):
            return ended.reason(title)
        output = self.programs.output(version, process).strip()
        return f"the {title} ended, or could not be started: {output.rpartition(chr(10))[2] or state.spawn_error}"

    def _where_it_listens(self, version: Version, state: ProcessState) -> str:
        """Return why nothing answers at the port of a process that runs."""
        wanted = f"$HOST:$PORT ({version.upstream})"
        found = ", ".join(str(one) for one in listening(state.pid))
        if found:
            return f"the web process listens at {found}, and not at {wanted}: let it use these variables"
        return f"connection refused: the web process runs, and must listen on {wanted}"

    def _move_web(self, version: Version) -> Failure | None:
        """Start the web process again on another port."""
        port = self.ports.move(version, "web", version.port)
        if not port:
            ended = self.programs.ended(version, "web")
            used = f"its port was used by another process of this machine {MOST_MOVES + 1} times"
            reason = ended.reason("web process") if ended else used
            return self._failure(version, "web", "start", reason)
        self._start(self.store.save(replace(version, port=port)), "web")
        return None

    def _started(self, version: Version, process: str) -> ProcessState:
        name = version.program(process)
        state = self.process_manager.state(name)
        if state is None or state.phase == "new":
            self._start(version, process)
            state = self.process_manager.state(name)
        if state is None:
            msg = f"the process manager did not add the program {name}"
            raise Unavailable(msg)
        return state

    def _start(self, version: Version, process: str) -> None:
        name = version.program(process)
        self.programs.write(version, process)
        self._since[name] = time.monotonic()
        self.process_manager.start(name)

    def _to_shifting(self, version: Version, live: Version | None) -> None:
        self._since.pop(version.program("web"), None)
        self.ingress.sync()
        self.traffic.set_upstreams(version.app, version.environment, slot=version.slot, upstreams=(version.upstream,))
        weight = version.workload.steps[0] if live and version.workload.steps else WHOLE
        self.store.transition(replace(version, stage=Stage.SHIFTING, weight=weight))

    def _remove(self, name: str) -> None:
        self._since.pop(name, None)
        self.process_manager.remove(name)
        self.programs.remove(name)

    def _is_over(self, name: str, limit: float) -> bool:
        return time.monotonic() - self._since.setdefault(name, time.monotonic()) > limit

    def _failure(self, version: Version, process: str, step: str, reason: str) -> Failure:
        self._since.pop(version.program(process), None)
        return Failure(step=step, reason=reason, log_tail=self.programs.output(version, process))

    def _missing_image(self, version: Version) -> str:
        folder = self.programs.image(version)
        return f"the image {version.workload.digest} is gone: {folder} does not exist; push again to build it"


_TIMEOUT_SECONDS = 2.0
_SERVER_ERROR = 500
_READ_BYTES = 65_536
_SHOWN_CHARACTERS = 80
REFUSED = "connection refused"


def probe(port: int, path: str, host: str) -> str:
    """Send one health check to a web process, past Caddy, and return the problem; empty when the status is below 500.

    An app without a page at the path is healthy: it answers 404.
    """
    url = f"GET http://127.0.0.1:{port}{path}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path, headers={"Host": host, "User-Agent": "slipway-health-check"})
        response = connection.getresponse()
        status = response.status
        response.read(_READ_BYTES)  # an app whose answer is cut off may log an error
    except ConnectionRefusedError:
        return f"{url}: {REFUSED}"
    except TimeoutError:
        return f"{url}: no answer within {_TIMEOUT_SECONDS:g} s"
    except (OSError, http.client.HTTPException) as error:
        return f"{url}: {_describe(error)}"
    finally:
        connection.close()
    return "" if status < _SERVER_ERROR else f"{url} answered {status}; it must answer below {_SERVER_ERROR}"


def _describe(error: Exception) -> str:
    if isinstance(error, http.client.BadStatusLine) and not isinstance(error, http.client.RemoteDisconnected):
        return f"the answer is not HTTP, it begins with {str(error)[:_SHOWN_CHARACTERS]!r}"
    return f"{type(error).__name__} {error}".rstrip()
