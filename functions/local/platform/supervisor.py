"""supervisord as seen from outside: its configuration, its life as a child process, its XML-RPC interface."""

import os
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from functions.common.errors import Unavailable
from functions.common.settings import Settings
from functions.local.files import write_private
from functions.local.instance import Instance
from functions.local.platform import ticker
from functions.local.platform.processes import MARK
from functions.local.platform.programs import Program
from functions.local.variables import given_for_builds

_STORES = frozenset({"postgres", "nats", "caddy"})
_STOPPED_STATES = frozenset({"STOPPED", "EXITED", "FATAL", "UNKNOWN"})
_STOP_SECONDS = 12.0
_POLL_SECONDS = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervisor:
    """A running supervisord."""

    process: subprocess.Popen[bytes]
    socket: Path

    def call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 - as the method has it
        """Call a method of its XML-RPC interface. Raises Unavailable when it does not answer."""
        return call(self.socket, method, *arguments)

    def stop(self) -> None:
        """Stop apps, functions and workers in parallel, then the stores, then supervisord itself."""
        try:
            with suppress(Unavailable):  # it is dead or does not answer: its processes are ended by their mark
                self._remove_programs()
        finally:
            self._terminate()

    def _remove_programs(self) -> None:
        self._stop_programs(lambda name: name not in _STORES)
        self._stop_programs(lambda _: True)
        # At its end supervisord removes one group a second, even stopped ones; so they are removed before.
        for name in {info["group"] for info in self.call("getAllProcessInfo")}:
            self.call("removeProcessGroup", name)

    def _terminate(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _stop_programs(self, selected: Callable[[str], bool]) -> None:
        deadline = time.monotonic() + _STOP_SECONDS
        requested = set[str]()
        while time.monotonic() < deadline:
            alive = [info for info in self.call("getAllProcessInfo") if info["statename"] not in _STOPPED_STATES]
            waiting = {f"{info['group']}:{info['name']}" for info in alive if selected(info["name"])}
            if not waiting:
                return
            for name in waiting - requested:
                self.call("stopProcess", name, False)
            requested |= waiting
            time.sleep(_POLL_SECONDS)


def call(socket: Path, method: str, *arguments: object) -> Any:  # noqa: ANN401 - as the method has it
    """Call a method of a supervisord's XML-RPC interface, and return None for a fault such as NOT_RUNNING.

    Raises Unavailable when supervisord does not answer.
    """
    transport = SupervisorTransport(None, None, f"unix://{socket}")
    try:
        with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)
    except xmlrpc.client.Fault:
        return None
    except (OSError, HTTPException, xmlrpc.client.Error) as error:
        msg = f"the process manager at {socket} does not answer"
        raise Unavailable(msg) from error


def start(instance: Instance, programs: Sequence[Program], given: Settings) -> Supervisor:
    """Write supervisord.conf and start supervisord in its own session, so that Ctrl-C does not reach it."""
    config = instance.home / "supervisord.conf"
    write_private(config, _configuration(instance, programs))
    # The platform's own settings go to its own programs only; apps inherit what supervision.py names.
    environment = given_for_builds(given.environment)
    path = f"{Path(sys.executable).parent}:{given.environment.get('PATH') or '/usr/local/bin:/usr/bin:/bin'}"
    process_manager = str(Path(__file__).with_name("process_manager.py"))  # not imported: it is a process of its own
    with (instance.home / "logs/supervisord.err").open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-I", process_manager, "--nodaemon", "--configuration", str(config)],
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
