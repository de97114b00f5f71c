"""The processes of apps as programs of supervisord."""

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from functions.common.domain.config import OWNED
from functions.common.domain.quantity import bytes_of, cores_of
from functions.common.errors import Rejected, Unavailable
from functions.common.ports.apps import Cipher
from functions.local.builds.dependencies import dependencies_folder
from functions.local.builds.image import Manifest, image_folder, intact_seal, read_manifest, set_aside
from functions.local.builds.site import OLD_STATIC_WEB, STATIC_WEB
from functions.local.builds.steps import TAIL_LINES, log_tail
from functions.local.files import remove_tree, write_private
from functions.local.platform.processes import MARK
from functions.local.platform.supervisor import call
from functions.local.rollouts.cause import Ended, read_ending
from functions.local.rollouts.store import Version
from functions.local.sandbox.isolation import LAUNCH, Box, Isolation, Limits, build_cache, build_user
from functions.local.site import SITE

STOP_SECONDS = 10
_CAUSE_LINES = 200  # a trace of calls may follow the cause
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
_INHERITED = ("LANG", "LC_ALL", "TZ", *_AUTHORITIES, MARK)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppPrograms:
    """The files of apps' programs below `home`: a section of supervisord's configuration, and what launch.py reads.

    `tools` is the folder of node and caddy, `processes` the most processes of a process type.
    """

    home: Path
    tools: Path
    cipher: Cipher
    isolation: Isolation
    processes: int
    _log_starts: dict[str, int] = field(default_factory=dict, repr=False)

    def write(self, version: Version, process: str) -> str:
        """Write the files of a process, such as `web` or its second one, `web.2`; return the program's name.

        Raises Rejected when the version's image is not what was built.
        """
        name = version.program(process)
        folder = self.home / "apps.d"
        folder.mkdir(parents=True, exist_ok=True)
        log = self.log_path(version, process)
        log.parent.mkdir(parents=True, exist_ok=True)
        self._ending(name).unlink(missing_ok=True)
        self._log_starts[name] = log.stat().st_size if log.exists() else 0
        write_private(folder / f"{name}.json", json.dumps(self.launch(version, process)))
        write_private(folder / f"{name}.conf", _section(name, folder / f"{name}.json", log, process))
        self._make_log_folders()
        return name

    def remove(self, name: str) -> None:
        """Remove a program's files, and what its process wrote, if there are any."""
        self._log_starts.pop(name, None)
        for suffix in (".conf", ".json", ".ending"):
            (self.home / "apps.d" / f"{name}{suffix}").unlink(missing_ok=True)
        remove_tree(self._data(name))

    def remove_environment(self, app: str, environment: str) -> None:
        """Remove the logs of an environment, and all that its processes wrote."""
        caches = (build_cache(self.home, app, environment), dependencies_folder(self.home, app, environment))
        written = (self.home / "apps" / app / environment, *caches)
        for folder in (self.log_folder(app, environment), *written):
            remove_tree(folder)
        for user in (f"{app}/{environment}", build_user(app, environment)):
            self.isolation.forget_user(user)

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

    def output(self, version: Version, process: str, lines: int = TAIL_LINES) -> str:
        """Return the last lines that a process wrote since this controller wrote its files."""
        start = self._log_starts.get(version.program(process), 0)
        return log_tail(self.log_path(version, process), lines, start=start)

    def ended(self, version: Version, process: str) -> Ended | None:
        """Return the last end of a process since its files were written; None while there was none."""
        ending = read_ending(self._ending(version.program(process)))
        if ending is None:
            return None
        return Ended(
            command=version.workload.processes[process.partition(".")[0]],
            ending=ending,
            output=self.output(version, process, _CAUSE_LINES),
            folder=self.image(version) / "app",
            memory=version.workload.memory,
        )

    def _ending(self, name: str) -> Path:
        return self.home / "apps.d" / f"{name}.ending"

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
        config = version.workload.config
        try:
            return {name: self.cipher.open(value) for name, value in config.items() if name not in OWNED}
        except Rejected as error:
            msg = f"the config of {version.app}/{version.environment} cannot be read: {error}"
            raise Unavailable(msg) from error

    def _data(self, name: str) -> Path:
        """Return the folder of what a program's process writes."""
        _, app, environment, release, process = name.split(".", 4)
        return self.home / "apps" / app / environment / release / process

    def launch(self, version: Version, process: str, *, run: str = "", tty: bool = False) -> dict[str, object]:
        """Return what launch.py reads to become a process of the version; `run` names one of a one-off command.

        Raises Rejected when the version's image is not what was built.
        """
        image, workload = self.image(version), version.workload
        kind, _, number = process.partition(".")
        manifest = read_manifest(image) or Manifest(kind="")  # launch.py reports that the image is gone
        box = self._box(version, image, self._data(version.program(run or process)), manifest)
        fixed = {
            "SLIPWAY_APP": version.app,
            "SLIPWAY_ENVIRONMENT": version.environment,
            "SLIPWAY_RELEASE": str(version.release),
            "SLIPWAY_COMMIT": workload.sha,
            **({"PORT": str(_port(version, number))} if kind == "web" else {}),
        }
        return self.isolation.launch(
            box,
            argv=("/bin/sh", "-c", _command(workload.processes[kind])),
            folder=self.isolation.seen(box) / "app" / manifest.root,
            environment={**self._defaults(box, manifest), **self._config(version), **fixed},
            inherit=_INHERITED,
            seals={str(image): self._seal(version.workload.digest)},
            tty=tty,
            ending="" if run else str(self._ending(version.program(process))),
        )

    def _seal(self, digest: str) -> str:
        images = self.home / "images"
        try:
            if seal := intact_seal(images, digest):
                return seal
        except FileNotFoundError:
            return ""  # launch.py reports that the image is gone
        set_aside(images, digest)
        msg = f"the image {digest} was changed on disk, and is not started: push a commit, even an empty one"
        raise Rejected(msg)

    def _box(self, version: Version, image: Path, data: Path, manifest: Manifest) -> Box:
        memory, cores = bytes_of(version.workload.memory), cores_of(version.workload.cpu)
        return Box(
            work=data,
            user=self.isolation.user(f"{version.app}/{version.environment}"),
            reads=(self.tools, *map(Path, manifest.reads)),
            writes=(data / "home",),
            copied=image,
            limits=Limits(memory=memory, cores=cores, processes=self.processes),
        )

    def _defaults(self, box: Box, manifest: Manifest) -> dict[str, str]:
        image = self.isolation.seen(box)
        # What workspaces share is at the top.
        folders = dict.fromkeys((image / "app" / manifest.root, image / "app"))
        modules = (folder / "node_modules" / ".bin" for folder in folders)
        path = (image / "venv" / "bin", *modules, *manifest.path, self.tools)
        return {
            **manifest.environment,
            "PATH": ":".join([*map(str, path), _SYSTEM_PATH]),
            "HOST": "127.0.0.1",
            "HOME": str(box.work / "home"),
            "SLIPWAY_SITE": str(self.tools / SITE),
            "PYTHONUNBUFFERED": "1",
        }


def _command(command: str) -> str:
    return STATIC_WEB if command == OLD_STATIC_WEB else command


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
_FRESH_SECONDS = 0.3


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
    def process(self) -> tuple[int, int]:
        """What identifies the process: a restarted program has another one."""
        return (self.pid, self.started)


@dataclass(slots=True)
class _Snapshot:
    """What supervisord said of all programs, for all environments: each of them asks every second.

    If each got an answer of its own, thirty apps would cost two fifths of a core, and twice as many four times as much.
    """

    _taken: float = float("-inf")
    _states: dict[str, ProcessState] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def states(self, look: Callable[[], dict[str, ProcessState]]) -> dict[str, ProcessState]:
        """Return the snapshot, a new one when it is old."""
        with self._lock:
            now = time.monotonic()
            if now - self._taken > _FRESH_SECONDS:
                self._states, self._taken = look(), now
            return self._states

    def forget(self) -> None:
        """Let the next call look again."""
        with self._lock:
            self._taken = float("-inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessManager:
    """Adds, starts, stops and removes programs of supervisord; every method may raise Unavailable."""

    socket: Path
    _adding: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _snapshot: _Snapshot = field(default_factory=_Snapshot, repr=False)

    def start(self, name: str) -> None:
        """Start the program according to its files; one that runs is stopped first."""
        self.remove(name)
        with self._adding:  # supervisord reads all files again for each addition
            self._call("reloadConfig")
            self._call("addProcessGroup", name)
        self._call("startProcess", name, False)
        self._snapshot.forget()

    def state(self, name: str) -> ProcessState | None:
        """Return the state of a program, or None when supervisord does not know it."""
        info = self._call("getProcessInfo", name)
        return _state(info) if info else None

    def states(self) -> dict[str, ProcessState]:
        """Return the states of all programs of apps, at most 0.3 s old, but with all that was done here since."""
        return self._snapshot.states(self._look)

    def _look(self) -> dict[str, ProcessState]:
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
        self._snapshot.forget()

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
