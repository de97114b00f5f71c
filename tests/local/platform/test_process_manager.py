"""The process manager on a full disk: its programs run on, and their logs go on when there is room."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from functions.local.platform import process_manager
from functions.local.platform.supervisor import call
from tests.local.waiting import until

FULL = Path("/dev/full")  # a device on which every write fails with "no space left on device"
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
[program:talker]
command = {python} -u {folder}/talker.py
redirect_stderr = true
stdout_logfile = {folder}/talker.log
stdout_logfile_maxbytes = 1MB
"""
TALKER = """
import time
from pathlib import Path
count = 0
while True:
    print("x" * 1000, count)
    count += 1
    draft = Path(__file__).with_name("draft")
    draft.write_text(str(count))
    draft.rename(draft.with_name("count"))
    time.sleep(0.001)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sw-") as name:  # short: it holds a socket
        (Path(name) / "talker.py").write_text(TALKER)
        for log in ("main.log", "talker.log"):
            (Path(name) / log).symlink_to(FULL)
        yield Path(name)


@contextmanager
def managed(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    user = "user = root" if os.getuid() == 0 else ""
    text = CONFIGURATION.format(folder=folder, python=sys.executable, user=user)
    (folder / "supervisord.conf").write_text(text)
    command = [sys.executable, "-I", process_manager.__file__, "--configuration", str(folder / "supervisord.conf")]
    with FULL.open("wb") as errors:
        process = subprocess.Popen(command, stderr=errors)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def text_of(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def count(folder: Path) -> int:
    return int(text_of(folder / "count") or 0)


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_programs_run_on_while_no_log_can_be_written_and_are_logged_when_there_is_room(folder: Path) -> None:
    with managed(folder) as process:
        until(lambda: count(folder) > 300, why="a program that writes more than a pipe holds")
        assert process.poll() is None
        assert call(folder / "supervisor.sock", "getProcessInfo", "talker")["statename"] in {"STARTING", "RUNNING"}

        for log in ("main.log", "talker.log"):
            (folder / log).unlink()  # the next line that fails opens the file again, and this time one with room
        until((folder / "talker.log").exists, why="a log file that can be written")
        seen = count(folder)
        until(lambda: count(folder) > seen + 300, why="more lines")
        os.kill(call(folder / "supervisor.sock", "getProcessInfo", "talker")["pid"], 9)
        until(lambda: "spawned: 'talker'" in text_of(folder / "main.log"), why="the process manager's own log")
        lines = (folder / "talker.log").read_text().splitlines()

    numbers = [int(line.rpartition(" ")[2]) for line in lines[1:]]
    assert len(numbers) > 100
    assert numbers[:100] == list(range(numbers[0], numbers[0] + 100))
