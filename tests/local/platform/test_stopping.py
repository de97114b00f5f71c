"""However the platform is stopped, no process, port or socket folder is left."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from functions.common.settings import Settings
from functions.local import instance as instances
from functions.local.instance import Instance
from functions.local.platform.processes import end_processes, processes
from functions.local.platform.programs import CODE
from functions.local.platform.run import running
from tests.local.platform.small import ECHO, MANIFESTS, PARK, wait
from tests.local.project import write_project
from tests.local.sandboxed import sandbox_settings
from tests.patience import patient


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not tmp_path: PostgreSQL may run as another user, who must be able to reach the folder.
    with tempfile.TemporaryDirectory(prefix="sw-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.mark.parametrize("numbers", [(signal.SIGINT, signal.SIGINT), (signal.SIGHUP, signal.SIGINT)])
def test_the_demo_stops_completely_after_two_ctrl_c_and_after_its_terminal_closed(
    folder: Path, numbers: tuple[signal.Signals, ...]
) -> None:
    environment = {"PATH": os.defpath, "PYTHONUNBUFFERED": "1", "TMPDIR": str(folder)}
    argv = [sys.executable, "-m", "functions.local.demo"]
    with subprocess.Popen(argv, cwd=CODE, env=environment, stdout=subprocess.PIPE, text=True) as demo:
        wait(lambda: any(map(_is_under_way, _instances(folder))))
        (instance,) = _instances(folder)
        try:
            for number in numbers:
                with suppress(ProcessLookupError):
                    demo.send_signal(number)
                time.sleep(0.3)
            output, _ = demo.communicate(timeout=patient(60))
            assert processes(instance.mark) == ()
        finally:
            end_processes(instance.mark)

    assert "stopping" in output
    assert demo.returncode == 130
    assert [path for path in folder.iterdir() if "-ports-" not in path.name] == []


def test_a_process_manager_with_invalid_answers_is_ended_with_its_programs(folder: Path) -> None:
    project = write_project(folder / "project", MANIFESTS, echo=ECHO, park=PARK)
    settings = Settings(environment=sandbox_settings(folder))
    platform = running(
        folder / "home", root=project, workers=(), default_ports=False, settings=settings, say=lambda _: None
    )
    with pytest.raises(Exception, match="unclosed token"), platform as up:
        _answer_nonsense(up.supervisor.socket)

    try:
        assert processes(up.instance.mark) == ()
        assert not up.instance.runtime.exists()
    finally:
        end_processes(up.instance.mark)


def _answer_nonsense(at: Path) -> None:
    at.unlink()
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(at))
    server.listen()

    def answer() -> None:
        connection, _ = server.accept()
        with server, connection:
            asked = b""
            while b"</methodCall>" not in asked:
                asked += connection.recv(65_536)
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n<")

    threading.Thread(target=answer, daemon=True).start()


def _instances(folder: Path) -> list[Instance]:
    found = [instances.load(file.parent) for file in folder.glob("slipway-demo-*/.slipway/instance.json")]
    return [instance for instance in found if instance]


def _is_under_way(instance: Instance) -> bool:
    return len(processes(instance.mark)) > 5
