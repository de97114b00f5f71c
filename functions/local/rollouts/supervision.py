"""The processes of releases under supervisord."""

import json
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from functions.common.adapters.lazy import lazy
from functions.common.errors import Unavailable
from functions.local.builds.image import image_folder, read_manifest
from functions.local.files import write_private
from functions.local.platform.processes import MARK
from functions.local.platform.supervisor import call
from functions.local.rollouts.store import Version

if TYPE_CHECKING:
    from supervisor import xmlrpc as supervisor_xmlrpc
else:
    supervisor_xmlrpc = lazy("supervisor.xmlrpc")

# An app's process as a program of the process manager.

STOP_SECONDS = 10
_LAUNCH = Path(__file__).with_name("launch.py")
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_INHERIT = ("HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", MARK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """Writes programs into the state folder `home`; `tools` holds node and caddy."""

    home: Path
    tools: Path

    def write(self, version: Version, process: str) -> str:
        """Write the program of a process type and return its name."""
        name = version.program(process)
        folder = self.home / "apps.d"
        folder.mkdir(parents=True, exist_ok=True)
        log = self.log_path(version, process)
        log.parent.mkdir(parents=True, exist_ok=True)
        write_private(folder / f"{name}.json", json.dumps(self._spec(version, process)))
        write_private(folder / f"{name}.conf", _section(name, folder / f"{name}.json", log, process))
        self._make_log_folders()
        return name

    def remove(self, name: str) -> None:
        """Remove a program's files; none there is no error."""
        for suffix in (".conf", ".json"):
            (self.home / "apps.d" / f"{name}{suffix}").unlink(missing_ok=True)

    def written(self) -> set[str]:
        """Return the names of all programs that have files."""
        return {path.stem for path in (self.home / "apps.d").glob("app.*.conf")}

    def image_is_there(self, version: Version) -> bool:
        """Return whether the version's image is on this machine."""
        return read_manifest(self.image(version)) is not None

    def image(self, version: Version) -> Path:
        """Return the folder of the version's image."""
        return image_folder(self.home / "images", version.workload.digest)

    def log_path(self, version: Version, process: str) -> Path:
        """Return the file that a process type's output goes to."""
        return self.log_folder(version.app, version.environment) / f"{version.release}-{process}.log"

    def log_folder(self, app: str, environment: str) -> Path:
        """Return the folder of an environment's logs."""
        return self.home / "logs" / "apps" / app / environment

    def _make_log_folders(self) -> None:
        """See that no program lacks its folder: the process manager would read none of them, this one neither."""
        for name in self.written():
            _, app, environment, _ = name.split(".", 3)
            self.log_folder(app, environment).mkdir(parents=True, exist_ok=True)

    def _spec(self, version: Version, process: str) -> dict[str, object]:
        image, workload = self.image(version), version.workload
        path = (image / "venv" / "bin", image / "app" / "node_modules" / ".bin", self.tools)
        own = {
            "PATH": ":".join([*map(str, path), _SYSTEM_PATH]),
            "HOST": "127.0.0.1",
            "PYTHONUNBUFFERED": "1",
            # Compiled files go beside the image: what its digest names stays as it is.
            "PYTHONPYCACHEPREFIX": str(self.home / "cache" / "pyc" / image.name),
        }
        fixed = {
            "SLIPWAY_APP": version.app,
            "SLIPWAY_ENVIRONMENT": version.environment,
            "SLIPWAY_RELEASE": str(version.release),
            "SLIPWAY_COMMIT": workload.sha,
            **({"PORT": str(version.port)} if process == "web" else {}),
        }
        return {
            "command": workload.processes[process],
            "folder": str(image / "app"),
            "inherit": _INHERIT,
            "environment": {**own, **workload.config, **fixed},
        }


def _section(name: str, spec: Path, log: Path, process: str) -> str:
    once = process == "release"
    settings = {
        "command": f'"{sys.executable}" -I -S "{_LAUNCH}" "{spec}"',
        "directory": "/",
        "autostart": "false",
        "autorestart": "false" if once else "true",
        "startsecs": "0" if once else "1",
        "startretries": "0" if once else "10",
        "stopwaitsecs": str(STOP_SECONDS),
        "stopasgroup": "true",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": str(log),
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "1",
    }
    lines = [f"{key} = {value.replace('%', '%%')}" for key, value in settings.items()]
    return "\n".join([f"[program:{name}]", *lines, ""])


# The process manager, by its XML-RPC socket, as far as apps' programs need it.

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
        return call(self.socket, method, *arguments)


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
