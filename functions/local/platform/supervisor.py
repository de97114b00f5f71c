"""supervisord, which keeps all programs."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from functions.common.adapters.lazy import lazy
from functions.common.errors import Unavailable
from functions.common.settings import Settings
from functions.local.instance import Instance, write_private
from functions.local.platform import ticker
from functions.local.platform.programs import Program, binary

if TYPE_CHECKING:
    from supervisor import xmlrpc as supervisor_xmlrpc
else:  # slow, and not every start needs it
    supervisor_xmlrpc = lazy("supervisor.xmlrpc")

# Processes of an instance, found by the mark in their environment, wherever they have moved themselves.

MARK = "SLIPWAY_LOCAL_MARK"
_PROC = Path("/proc")
_PATIENCE = 5.0
_LEFTOVER_STEP = 0.02


def processes(mark: str) -> tuple[int, ...]:
    """Return the ids of the living processes of the instance, this one not among them."""
    wanted = f"{MARK}={mark}".encode()
    found = _by_proc(wanted) if (_PROC / "self").exists() else _by_ps(wanted)
    return tuple(pid for pid in found if pid != os.getpid())


def end(mark: str, *, patience: float = _PATIENCE) -> int:
    """End them all, gently first, and return how many there were."""
    found = processes(mark)
    alive = found
    for signal_number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, _PATIENCE)):
        _send(alive, signal_number)
        deadline = time.monotonic() + seconds
        while alive and time.monotonic() < deadline:
            time.sleep(_LEFTOVER_STEP)
            alive = processes(mark)
    return len(found)


def _send(pids: tuple[int, ...], signal_number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal_number)


def _by_proc(wanted: bytes) -> list[int]:
    found = []
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        with suppress(OSError):  # it ended, or is not ours
            if wanted in (folder / "environ").read_bytes().split(b"\0") and not _is_zombie(folder):
                found.append(int(folder.name))
    return found


def _is_zombie(folder: Path) -> bool:
    return (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"


def _by_ps(wanted: bytes) -> list[int]:
    listing = subprocess.run(["/bin/ps", "-axwwE", "-o", "pid=,command="], capture_output=True, check=False).stdout
    return [int(line.split()[0]) for line in listing.splitlines() if wanted in line.split()]


# supervisord: its configuration, its life as our child, and its XML-RPC socket.

_STORES = frozenset({"postgres", "nats", "caddy"})
_STOPPED = frozenset({0, 100, 200, 1000})  # supervisord's STOPPED, EXITED, FATAL, UNKNOWN
_STOP_SECONDS = 12.0
_STEP = 0.03
# All that processes, apps among them, inherit; the platform's own settings are given to its programs alone.
_INHERITED = ("HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_INHERITED_NETWORK = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_INHERITED_INDEX = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "NPM_CONFIG_REGISTRY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervisor:
    """A running supervisord."""

    process: subprocess.Popen[bytes]
    socket: Path

    def call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 - as the method has it
        """Call a method of its XML-RPC interface. Raises Unavailable when it does not answer."""
        return call(self.socket, method, *arguments)

    def stop(self) -> None:
        """Stop apps, functions and workers side by side, then the stores, then supervisord itself."""
        try:
            with suppress(Unavailable):  # dead or deaf: what it leaves is ended by its mark
                self._empty()
        finally:
            self._end()

    def _empty(self) -> None:
        self._stop_programs(lambda name: name not in _STORES)
        self._stop_programs(lambda _: True)
        # It leaves one group a second when it ends, even those that are stopped; so they go before.
        for name in {info["group"] for info in self.call("getAllProcessInfo")}:
            self.call("removeProcessGroup", name)

    def _end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _stop_programs(self, wanted: Callable[[str], bool]) -> None:
        deadline = time.monotonic() + _STOP_SECONDS
        asked = set[str]()
        while time.monotonic() < deadline:
            alive = [info for info in self.call("getAllProcessInfo") if info["state"] not in _STOPPED]
            waiting = {f"{info['group']}:{info['name']}" for info in alive if wanted(info["name"])}
            if not waiting:
                return
            for name in waiting - asked:
                self.call("stopProcess", name, False)
            asked |= waiting
            time.sleep(_STEP)


def call(socket: Path, method: str, *arguments: object) -> Any:  # noqa: ANN401 - as the method has it
    """Call a method of a supervisord's XML-RPC interface; NOT_RUNNING and the like are no error here."""
    import xmlrpc.client  # noqa: PLC0415 - slow, and not every start needs it
    from http.client import HTTPException  # noqa: PLC0415 - as above

    transport = supervisor_xmlrpc.SupervisorTransport(None, None, f"unix://{socket}")
    try:
        with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)
    except xmlrpc.client.Fault:
        return None
    except (OSError, HTTPException, xmlrpc.client.Error) as error:
        msg = f"the process manager at {socket} does not answer"
        raise Unavailable(msg) from error


def start(instance: Instance, programs: Sequence[Program], given: Settings) -> Supervisor:
    """Write supervisord.conf and start supervisord in its own session, out of reach of Ctrl-C."""
    config = instance.home / "supervisord.conf"
    write_private(config, _configuration(instance, programs))
    names = (*_INHERITED, *_INHERITED_NETWORK, *_INHERITED_INDEX)
    environment = {name: given.optional(name) for name in names if given.optional(name)}
    path = f"{Path(sys.executable).parent}:{given.optional('PATH', '/usr/local/bin:/usr/bin:/bin')}"
    with (instance.home / "logs/supervisord.err").open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, binary("supervisord"), "--nodaemon", "--configuration", str(config)],
            env={**environment, "PATH": path, MARK: instance.mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
    return Supervisor(process=process, socket=instance.runtime / "supervisor.sock")


def _configuration(instance: Instance, programs: Sequence[Program]) -> str:

    logs = instance.home / "logs"
    return "\n".join(
        [
            "[unix_http_server]",
            f"file = {instance.runtime / 'supervisor.sock'}",
            "chmod = 0700",
            "[rpcinterface:supervisor]",
            "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
            "[supervisord]",
            "nodaemon = true",
            "silent = true",
            "identifier = slipway",
            *(["user = root"] if os.getuid() == 0 else []),
            f"logfile = {_escaped(logs / 'supervisord.log')}",
            "logfile_maxbytes = 10MB",
            "logfile_backups = 2",
            f"pidfile = {instance.runtime / 'supervisord.pid'}",
            f"childlogdir = {_escaped(logs)}",
            "[program:ticker]",
            f"command = {_escaped(shlex.join([sys.executable, '-I', '-S', ticker.__file__]))}",
            "stdout_logfile = NONE",
            "stderr_logfile = NONE",
            "[include]",
            "files = apps.d/*.conf",
            "",
            *[program.section(logs) for program in programs],
        ]
    )


def _escaped(text: Path | str) -> str:
    return str(text).replace("%", "%%")
