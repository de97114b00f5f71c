"""The processes of apps as programs of supervisord."""

import json
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from functions.common.domain.quantity import bytes_of, cores_of
from functions.common.errors import Rejected, Unavailable
from functions.common.ports.apps import Cipher
from functions.local.builds.image import image_folder, read_manifest
from functions.local.files import write_private
from functions.local.platform.processes import MARK
from functions.local.platform.supervisor import call
from functions.local.rollouts.store import Version

STOP_SECONDS = 10
LAUNCH = Path(__file__).with_name("launch.py")
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_INHERITED = ("HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", MARK)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppPrograms:
    """The files of apps' programs below `home`: a section of supervisord's configuration, and what launch.py reads.

    `tools` is the folder of node and caddy.
    """

    home: Path
    tools: Path
    cipher: Cipher

    def write(self, version: Version, process: str) -> str:
        """Write the files of a process, such as `web` or its second one, `web.2`; return the program's name."""
        name = version.program(process)
        folder = self.home / "apps.d"
        folder.mkdir(parents=True, exist_ok=True)
        log = self.log_path(version, process)
        log.parent.mkdir(parents=True, exist_ok=True)
        write_private(folder / f"{name}.json", json.dumps(self.launch(version, process)))
        write_private(folder / f"{name}.conf", _section(name, folder / f"{name}.json", log, process))
        self._make_log_folders()
        return name

    def remove(self, name: str) -> None:
        """Remove a program's files, if there are any."""
        for suffix in (".conf", ".json"):
            (self.home / "apps.d" / f"{name}{suffix}").unlink(missing_ok=True)

    def written(self) -> set[str]:
        """Return the names of all programs that have files."""
        return {path.stem for path in (self.home / "apps.d").glob("app.*.conf")}

    def has_image(self, version: Version) -> bool:
        """Return whether the version's image is on this machine."""
        return read_manifest(self.image(version)) is not None

    def image(self, version: Version) -> Path:
        """Return the folder of the version's image."""
        return image_folder(self.home / "images", version.workload.digest)

    def log_path(self, version: Version, process: str) -> Path:
        """Return the log file of a process type."""
        return self.log_folder(version.app, version.environment) / f"{version.release}-{process}.log"

    def log_folder(self, app: str, environment: str) -> Path:
        """Return the folder of an environment's logs."""
        return self.home / "logs" / "apps" / app / environment

    def _make_log_folders(self) -> None:
        # supervisord refuses its whole configuration when the folder of one program's log is missing.
        for name in self.written():
            _, app, environment, _ = name.split(".", 3)
            self.log_folder(app, environment).mkdir(parents=True, exist_ok=True)

    def _config(self, version: Version) -> dict[str, str]:
        """Return the version's config. Raises Unavailable when its key is not there: the operator can put it back."""
        try:
            return {name: self.cipher.open(value) for name, value in version.workload.config.items()}
        except Rejected as error:
            msg = f"the config of {version.app}/{version.environment} cannot be read: {error}"
            raise Unavailable(msg) from error

    def launch(self, version: Version, process: str) -> dict[str, object]:
        """Return what launch.py reads to become a process of the version."""
        image, workload = self.image(version), version.workload
        kind, _, number = process.partition(".")
        path = (image / "venv" / "bin", image / "app" / "node_modules" / ".bin", self.tools)
        defaults = {
            "PATH": ":".join([*map(str, path), _SYSTEM_PATH]),
            "HOST": "127.0.0.1",
            "PYTHONUNBUFFERED": "1",
            # Outside the image, whose content must remain that of its digest.
            "PYTHONPYCACHEPREFIX": str(self.home / "cache" / "pyc" / image.name),
        }
        fixed = {
            "SLIPWAY_APP": version.app,
            "SLIPWAY_ENVIRONMENT": version.environment,
            "SLIPWAY_RELEASE": str(version.release),
            "SLIPWAY_COMMIT": workload.sha,
            **({"PORT": str(_port(version, number))} if kind == "web" else {}),
        }
        return {
            "command": workload.processes[kind],
            "folder": str(image / "app"),
            "inherit": _INHERITED,
            "environment": {**defaults, **self._config(version), **fixed},
            "memory": bytes_of(workload.memory),
            "cores": cores_of(workload.cpu),
        }


def _port(version: Version, number: str) -> int:
    """Return the port of a web process by its number, which is empty for the first one."""
    return version.ports[int(number) - 2] if number else version.port


def _section(name: str, spec: Path, log: Path, process: str) -> str:
    once = process == "release"
    settings = {
        "command": f'"{sys.executable}" -I -S "{LAUNCH}" "{spec}"',
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


_DOWN_STATES = frozenset({"STOPPED", "EXITED", "FATAL", "UNKNOWN"})
_STOP_TIMEOUT_SECONDS = 15
_POLL_SECONDS = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessState:
    """The state of a program; `started` is the second of its last start.

    `phase` is new (never started by this supervisord), running, stopped (on request, as at the end of the platform)
    or failed (it ended by itself). `down` means that there is no process.
    """

    phase: Literal["new", "running", "stopped", "failed"]
    down: bool
    pid: int
    started: int
    exit_code: int
    spawn_error: str

    @property
    def exit_description(self) -> str:
        """How it failed, as the end of a sentence; supervisord keeps no exit code of a program that ended at once."""
        return f" with exit code {self.exit_code}" if self.phase == "failed" and not self.spawn_error else ""

    @property
    def process(self) -> tuple[int, int]:
        """What identifies the process: a restarted program has another one."""
        return (self.pid, self.started)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessManager:
    """Adds, starts, stops and removes programs of supervisord; every method may raise Unavailable."""

    socket: Path
    _adding: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def start(self, name: str) -> None:
        """Start the program according to its files; one that runs is stopped first."""
        self.remove(name)
        with self._adding:  # supervisord reads all files again for each addition
            self._call("reloadConfig")
            self._call("addProcessGroup", name)
        self._call("startProcess", name, False)

    def state(self, name: str) -> ProcessState | None:
        """Return the state of a program, or None when supervisord does not know it."""
        info = self._call("getProcessInfo", name)
        return _state(info) if info else None

    def states(self) -> dict[str, ProcessState]:
        """Return the states of all programs of apps."""
        found = self._call("getAllProcessInfo") or []
        return {info["name"]: _state(info) for info in found if info["name"].startswith("app.")}

    def remove(self, name: str) -> None:
        """Stop the program and remove it from supervisord, if it is there."""
        if self.state(name) is None:
            return
        self._call("stopProcess", name, False)
        deadline = time.monotonic() + _STOP_TIMEOUT_SECONDS
        while not self._is_down(name):
            if time.monotonic() > deadline:
                msg = f"the program {name} does not end"
                raise Unavailable(msg)
            time.sleep(_POLL_SECONDS)
        self._call("removeProcessGroup", name)

    def _is_down(self, name: str) -> bool:
        state = self.state(name)
        return state is None or state.down

    def _call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 - as the method has it
        return call(self.socket, method, *arguments)


def _state(info: dict[str, Any]) -> ProcessState:
    phase: Literal["new", "running", "stopped", "failed"] = "failed"
    if info["statename"] == "STOPPED" and not info["start"]:
        phase = "new"
    elif info["statename"] in {"STARTING", "RUNNING"}:
        phase = "running"
    elif info["statename"] in {"STOPPED", "STOPPING"}:
        phase = "stopped"
    return ProcessState(
        phase=phase,
        down=info["statename"] in _DOWN_STATES,
        pid=info["pid"],
        started=info["start"],
        exit_code=info["exitstatus"],
        spawn_error=info["spawnerr"],
    )
