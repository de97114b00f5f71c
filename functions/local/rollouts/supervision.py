"""The process manager, by its XML-RPC socket, as far as apps' programs need it."""

import threading
import time
import xmlrpc.client
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any, Literal

from functions.common.adapters.import_lock import IMPORT_LOCK
from functions.common.errors import Unavailable

_STOPPED, _STARTING, _RUNNING, _STOPPING = 0, 10, 20, 40
_DOWN = frozenset({0, 100, 200, 1000})  # STOPPED, EXITED, FATAL, UNKNOWN
_POLL_SECONDS = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessState:
    """What the process manager says; `started` is the second of the last start.

    `phase` is new (never started by this process manager), up, halted (somebody stopped it, such as
    the end of the platform) or failed (it ended by itself); `down` when there is no process at all.
    """

    phase: Literal["new", "up", "halted", "failed"]
    down: bool
    pid: int
    started: int
    exit_code: int
    trouble: str

    @property
    def ending(self) -> str:
        """How its last life ended, as the end of a sentence; one that ended at once left no code."""
        return f" with exit code {self.exit_code}" if self.phase == "failed" and not self.trouble else ""

    @property
    def process(self) -> tuple[int, int]:
        """What tells one life of the program from the next."""
        return (self.pid, self.started)


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """Adds, starts, stops and removes programs; every method may raise Unavailable."""

    socket: Path
    _adding: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def start(self, name: str) -> None:
        """Start the program as its files say now; one that is up is stopped first."""
        self.forget(name)
        with self._adding:  # the process manager reads all files anew for each addition
            self._call("reloadConfig")
            self._call("addProcessGroup", name)
        self._call("startProcess", name, False)

    def state(self, name: str) -> ProcessState | None:
        """Return how the program does, or None when the process manager does not know it."""
        info = self._call("getProcessInfo", name)
        return _state(info) if info else None

    def states(self) -> dict[str, ProcessState]:
        """Return all programs of apps."""
        found = self._call("getAllProcessInfo") or []
        return {info["name"]: _state(info) for info in found if info["name"].startswith("app.")}

    def stop(self, name: str, *, seconds: float) -> None:
        """Stop the program and wait until it is down."""
        self._call("stopProcess", name, False)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            state = self.state(name)
            if state is None or state.down:
                return
            time.sleep(_POLL_SECONDS)
        msg = f"the program {name} does not end"
        raise Unavailable(msg)

    def forget(self, name: str, *, seconds: float = 15) -> None:
        """Stop the program and take it out of the process manager; unknown is no error."""
        if self.state(name) is None:
            return
        self.stop(name, seconds=seconds)
        self._call("removeProcessGroup", name)

    def _call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 - as the method has it
        with IMPORT_LOCK:
            from supervisor.xmlrpc import SupervisorTransport  # noqa: PLC0415 - slow to import

        transport = SupervisorTransport(None, None, f"unix://{self.socket}")
        try:
            with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy:
                return getattr(proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault:
            return None  # not known, not running, there already: the state tells
        except (OSError, HTTPException, xmlrpc.client.Error) as error:
            msg = f"the process manager at {self.socket} does not answer"
            raise Unavailable(msg) from error


def _state(info: dict[str, Any]) -> ProcessState:
    phase: Literal["new", "up", "halted", "failed"] = "failed"
    if info["state"] == _STOPPED and not info["start"]:
        phase = "new"
    elif info["state"] in {_STARTING, _RUNNING}:
        phase = "up"
    elif info["state"] in {_STOPPED, _STOPPING}:
        phase = "halted"
    return ProcessState(
        phase=phase,
        down=info["state"] in _DOWN,
        pid=info["pid"],
        started=info["start"],
        exit_code=info["exitstatus"],
        trouble=info["spawnerr"],
    )
