"""A function is served as the framework does it, by a process that collects its garbage."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.bench.processes import free_port
from tests.conftest import ROOT
from tests.local.waiting import until

SOURCE = """
import gc

def target(request):
    return f"{gc.isenabled()} {gc.get_freeze_count() > 10000}"
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Return the port of a served function that answers what its process is like."""
    source, port = tmp_path / "app.py", free_port()
    source.write_text(SOURCE)
    given = {"FUNCTION_SOURCE": str(source), "FUNCTION_TARGET": "target", "HOST": "127.0.0.1", "PORT": str(port)}
    given |= {"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "functions.common.runtime.serve"]
    with subprocess.Popen(command, cwd=ROOT, env=given) as process:
        try:
            yield port
        finally:
            process.terminate()


def answer(port: int) -> str:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", timeout=5, trust_env=False).text
    except httpx.TransportError:
        return ""


def test_the_answering_process_collects_but_looks_not_at_what_came_with_the_start(port: int) -> None:
    assert until(lambda: answer(port), seconds=30) == "True True"


def test_there_is_no_control_socket(port: int, tmp_path: Path) -> None:
    until(lambda: answer(port), seconds=30)
    time.sleep(0.5)  # it would come a moment after the answering process
    assert not list(tmp_path.rglob("gunicorn.ctl"))
