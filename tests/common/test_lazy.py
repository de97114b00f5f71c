"""A lazy module is imported at its first use, by one thread at a time."""

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer

import pytest

from functions.common.adapters.lazy import lazy, run_soon
from tests.local.waiting import until

# Each of two modules imports the other and then reads a name of it: two threads that enter from different sides
# deadlock, and Python fails one of them.
PACKAGE = {
    "knot/__init__.py": "",
    "knot/left.py": "import time\ntime.sleep(0.2)\nimport knot.right\nname = 'left'\nother = knot.right.name\n",
    "knot/right.py": "import time\nname = 'right'\ntime.sleep(0.2)\nimport knot.left\n",
    "lonely.py": "number = 7\n",
}


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in PACKAGE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] in {"knot", "lonely"}]:
        del sys.modules[name]


@pytest.mark.usefixtures("packages")
def test_nothing_is_imported_before_the_first_use() -> None:
    module = lazy("lonely")
    assert "lonely" not in sys.modules
    assert module.number == 7
    assert "lonely" in sys.modules


@pytest.mark.usefixtures("packages")
def test_threads_may_enter_a_package_from_different_sides_at_once() -> None:
    left, right = lazy("knot.left"), lazy("knot.right")
    with ThreadPoolExecutor(2) as pool:
        names = [future.result() for future in (pool.submit(lambda: left.other), pool.submit(lambda: right.name))]
    assert names == ["right", "right"]


@pytest.mark.usefixtures("packages")
def test_an_attribute_that_is_missing_and_a_module_that_is_missing_are_errors_at_each_use() -> None:
    for _ in range(2):
        with pytest.raises(AttributeError, match="nothing"):
            _ = lazy("lonely").nothing
        with pytest.raises(ModuleNotFoundError, match="no_such_module"):
            _ = lazy("no_such_module").name


def test_a_task_that_fails_in_the_background_stays_silent() -> None:
    """A warning of an exception in a thread fails the test."""
    done = list[str]()

    def fail() -> None:
        done.append("ran")
        raise RuntimeError

    run_soon(fail)
    until(lambda: done == ["ran"] and not any(isinstance(thread, Timer) for thread in threading.enumerate()))
