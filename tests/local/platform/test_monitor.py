"""What a running platform reports of programs that fail, and how soon it starts them again."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from functions.local.platform import process_manager
from functions.local.platform.monitor import Monitor, monitoring
from functions.local.platform.supervisor import Supervisor
from tests.local.platform.small import Up, small_platform
from tests.local.waiting import until
from tests.patience import patient

ECHO_THAT_FAILS = """
    import os
    from pathlib import Path

    if Path("broken").exists():
        raise SystemExit("this function is broken")

    def target(request):
        return "", 204
"""
CONFIGURATION = """
[unix_http_server]
file = {folder}/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisord]
nodaemon = true
silent = true
{user}
logfile = {folder}/main.log
pidfile = {folder}/supervisord.pid
[program:fails]
command = /bin/sh -c "date +%%s.%%N >> {folder}/starts; exit 1"
startretries = 1000
stdout_logfile = NONE
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not tmp_path: PostgreSQL may run as another user, who must be able to reach the folder.
    with tempfile.TemporaryDirectory(prefix="sw-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@contextmanager
def started(up: Up) -> Iterator[list[str]]:
    """Start, yield the lines that it prints, and stop it."""
    process = up.launch()
    assert process.stdout
    with process.stdout:
        lines: list[str] = []
        reader = threading.Thread(target=lines.extend, args=(process.stdout,), daemon=True)
        reader.start()
        yield lines
        process.send_signal(signal.SIGINT)
        assert process.wait(patient(60)) == 0
        reader.join(patient(10))


def line_with(lines: list[str], text: str) -> str:
    """Wait for a line with this text and return it."""
    found = until(lambda: [line for line in lines if text in line], seconds=60, why=f"{text} in {lines}")
    return found[0]


def test_a_program_that_ends_again_and_again_is_reported_with_its_last_words(folder: Path) -> None:
    with small_platform(folder, echo=ECHO_THAT_FAILS) as up:
        (up.project / "broken").touch()
        with started(up) as lines:  # it waits for this program
            report = line_with(lines, "slipway: echo has ended 3 times in ")
            assert f"see {up.home}/logs/echo.log, which ends with: this function is broken" in report
            (up.project / "broken").unlink()
            assert line_with(lines, "slipway: echo runs again")
            assert line_with(lines, "shows what happens")


def test_no_program_waits_long_for_its_next_start(folder: Path) -> None:
    user = "user = root" if os.getuid() == 0 else ""
    (folder / "supervisord.conf").write_text(CONFIGURATION.format(folder=folder, user=user))
    command = [sys.executable, "-I", process_manager.__file__, "--configuration", str(folder / "supervisord.conf")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        supervisor = Supervisor(process=process, socket=folder / "supervisor.sock")
        monitor = Monitor(
            supervisor=supervisor, folders=(folder,), nats_port=1, logs=folder, say=lambda _: None, max_backoff=1
        )
        with monitoring(monitor):
            until(lambda: len(starts(folder)) >= 9, seconds=60, why="nine starts")
        process.terminate()

    times = starts(folder)
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert max(waits) < 6  # the process manager alone waits 8 seconds before the ninth start


def starts(folder: Path) -> list[float]:
    file = folder / "starts"
    return [float(line) for line in file.read_text().split()] if file.exists() else []


def test_a_state_folder_that_cannot_be_written_is_named(folder: Path) -> None:
    (folder / "home").touch()
    with small_platform(folder) as up:
        begun = time.monotonic()
        output = up.refused()

    assert "Traceback" not in output
    assert f"slipway: [Errno 17] File exists: '{folder}/home'" in output
    assert time.monotonic() - begun < patient(30)
