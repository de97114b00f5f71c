"""A release before traffic: its command, its start, its health."""

import http.client
import time
from dataclasses import dataclass, field, replace

from functions.common.errors import Unavailable
from functions.local.builds.steps import log_tail
from functions.local.ports import free_port
from functions.local.rollouts.ingress import WHOLE, Ingress, Traffic
from functions.local.rollouts.store import Rollouts, Stage, Version
from functions.local.rollouts.supervision import ProcessState, Programs, Supervision

# Why a release is given up.


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """`step` is the part of the way that failed, `log_tail` the last lines of the process."""

    step: str
    reason: str
    log_tail: str = ""


# The health check: one request to a version's web process, past Caddy.

_TIMEOUT_SECONDS = 2.0
_SERVER_ERROR = 500
_READ_BYTES = 65_536
_SHOWN = 80


def probe(port: int, path: str, host: str) -> str:
    """Return what is wrong, as the whole probe reads, or nothing when the app answers below 500.

    An app without a page at the path is healthy: it answers 404 by itself.
    """
    url = f"GET http://127.0.0.1:{port}{path}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path, headers={"Host": host, "User-Agent": "slipway-health-check"})
        response = connection.getresponse()
        status = response.status
        response.read(_READ_BYTES)  # an app that is cut off in its answer complains in its log
    except ConnectionRefusedError:
        return f"{url}: connection refused; the web process must listen on $HOST:$PORT"
    except TimeoutError:
        return f"{url}: no answer within {_TIMEOUT_SECONDS:g} s"
    except (OSError, http.client.HTTPException) as error:
        return f"{url}: {_words(error)}"
    finally:
        connection.close()
    return "" if status < _SERVER_ERROR else f"{url} answered {status}; it must answer below {_SERVER_ERROR}"


def _words(error: Exception) -> str:
    if isinstance(error, http.client.BadStatusLine) and not isinstance(error, http.client.RemoteDisconnected):
        return f"the answer is no HTTP, it begins with {str(error)[:_SHOWN]!r}"
    return f"{type(error).__name__} {error}".rstrip()


# A new version before it gets any traffic: its release command, its start, its health check.


@dataclass(slots=True, kw_only=True)
class Proving:
    """Time limits in seconds; they begin anew with each start of the controller."""

    rollouts: Rollouts
    programs: Programs
    supervision: Supervision
    ingress: Ingress
    traffic: Traffic
    release_limit: float
    health_limit: float
    _since: dict[str, float] = field(default_factory=dict)

    def release(self, version: Version) -> Trouble | None:
        """Run the release command to its end, once; without one, go on at once."""
        if not self.programs.image_is_there(version):
            return Trouble(step="image", reason=self._gone(version))
        command = version.workload.processes.get("release")
        state = self._started(version, "release") if command else None
        if state and state.down and state.phase != "halted":
            if state.exit_code or state.trouble:
                reason = f"`{command}` ended with exit code {state.exit_code} {state.trouble}".rstrip()
                return self._trouble(version, "release", "release command", reason)
            self._end(version.program("release"))
            state = None
        if state is None:
            self.rollouts.move(replace(version, stage=Stage.STARTING))
        elif self._over(version.program("release"), self.release_limit):
            reason = f"`{command}` did not end within {self.release_limit:g} seconds"
            return self._trouble(version, "release", "release command", reason)
        return None

    def start(self, version: Version, live: Version | None) -> Trouble | None:
        """Start the web process and wait for its health check."""
        state = self.supervision.state(version.program("web"))
        if not version.port or state is None or state.phase == "new":
            slot = "b" if live and live.slot == "a" else "a"
            version = self.rollouts.note(replace(version, port=free_port(), slot=slot))
            state = self._started(version, "web")
        wrong = probe(version.port, version.workload.health_path, version.host)
        if not wrong:
            self._to_shifting(version, live)
        elif state.phase == "failed":
            reason = f"the web process ended{state.ending} before its health check was answered; {wrong}"
            return self._trouble(version, "web", "start", reason)
        elif self._over(version.program("web"), self.health_limit):
            return self._trouble(version, "web", "health check", f"{wrong} (for {self.health_limit:g} seconds)")
        return None

    def _started(self, version: Version, process: str) -> ProcessState:
        name = version.program(process)
        state = self.supervision.state(name)
        if state is None or state.phase == "new":
            self.programs.write(version, process)
            self._since[name] = time.monotonic()
            self.supervision.start(name)
            state = self.supervision.state(name)
        if state is None:
            msg = f"the process manager did not take the program {name}"
            raise Unavailable(msg)
        return state

    def _to_shifting(self, version: Version, live: Version | None) -> None:
        self._since.pop(version.program("web"), None)
        self.ingress.sync()
        self.traffic.place(version.app, version.environment, slot=version.slot, upstream=version.upstream)
        weight = version.workload.steps[0] if live and version.workload.steps else WHOLE
        self.rollouts.move(replace(version, stage=Stage.SHIFTING, weight=weight))

    def _end(self, name: str) -> None:
        self._since.pop(name, None)
        self.supervision.forget(name)
        self.programs.remove(name)

    def _over(self, name: str, limit: float) -> bool:
        return time.monotonic() - self._since.setdefault(name, time.monotonic()) > limit

    def _trouble(self, version: Version, process: str, step: str, reason: str) -> Trouble:
        self._since.pop(version.program(process), None)
        tail = log_tail(self.programs.log_path(version, process))
        return Trouble(step=step, reason=reason, log_tail=tail)

    def _gone(self, version: Version) -> str:
        folder = self.programs.image(version)
        return f"the image {version.workload.digest} is gone: {folder} does not exist; push again to build it anew"
