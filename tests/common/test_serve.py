"""A function is served as the framework does it, by a process that collects its garbage and uses its waiting time."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.bench.processes import free_port
from tests.conftest import ROOT
from tests.local.waiting import until

SOURCE = """
import gc, os, sys

STARTED_WITH = "wave" in sys.modules

def target(request):
    if request.path == "/garbage":
        return f"{gc.isenabled()} {gc.get_freeze_count() > 10000}"
    return f"{STARTED_WITH} {'wave' in sys.modules}"
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Return the port of a served function that answers what its process is like."""
    source, port = tmp_path / "app.py", free_port()
    source.write_text(SOURCE)
    given = {"FUNCTION_SOURCE": str(source), "FUNCTION_TARGET": "target", "HOST": "127.0.0.1", "PORT": str(port)}
    given |= {"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "functions.common.runtime.serve", "nowhere", "wave"]
    with subprocess.Popen(command, cwd=ROOT, env=given) as process:
        try:
            yield port
        finally:
            process.terminate()


def answer(port: int, path: str) -> str:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/{path}", timeout=5, trust_env=False).text
    except httpx.TransportError:
        return ""


def test_the_answering_process_collects_but_looks_not_at_what_came_with_the_start(port: int) -> None:
    assert until(lambda: answer(port, "garbage"), seconds=30) == "True True"


def test_what_a_first_event_needs_is_imported_after_the_start_and_before_it_comes(port: int) -> None:
    until(lambda: answer(port, "modules") == "False True", seconds=30)
