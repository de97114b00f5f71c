"""How a function starts: garbage collection, gunicorn's control socket, and the warm-up."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from functions.local.platform.programs import CODE
from tests.common.served import served
from tests.local.waiting import until

SOURCE = """
import gc

def target(request):
    return f"{gc.isenabled()} {gc.get_freeze_count() > 10000}"
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Return the port of a served function that answers how its process collects garbage."""
    with served(SOURCE, tmp_path) as port:
        yield port


def test_the_worker_collects_garbage_but_not_the_objects_of_the_start(port: int) -> None:
    assert httpx.get(f"http://127.0.0.1:{port}/", timeout=5, trust_env=False).text == "True True"


def test_there_is_no_control_socket(port: int, tmp_path: Path) -> None:
    assert port
    time.sleep(0.5)  # it would appear a moment after the worker
    assert not list(tmp_path.rglob("gunicorn.ctl"))


def test_a_function_is_asked_for_its_health_soon_after_its_start(tmp_path: Path) -> None:
    source = "asked = []\n\ndef target(request):\n    asked.append(request.path)\n    return ' '.join(asked)\n"
    with served(source, tmp_path) as port:
        until(lambda: "/healthz" in httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).text.split(), seconds=5)


def test_no_garbage_is_collected_while_the_framework_is_imported() -> None:
    program = """
import gc, sys

class Watcher:
    def find_spec(self, name, path=None, target=None):
        if name in {"flask", "functions_framework"}:
            print(name, gc.isenabled(), flush=True)
            sys.exit()

sys.meta_path.insert(0, Watcher())
from functions.common.runtime.serve import main
main()
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=CODE, check=True, capture_output=True, text=True)

    assert done.stdout == "functions_framework False\n"
