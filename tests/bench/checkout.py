"""A checkout of Slipway and its platform under measurement, used from outside only.

What is used is what stays the same from version to version: `python -m functions.local.up`, the file endpoints.json,
HTTP, SQL, git, and the processes in /proc. So one run can measure two versions, this one and an older one, in turn.
"""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.processes import Process, processes
from tests.patience import patient

HERE = Path(__file__).parents[2]
_READY_SECONDS, _STOP_SECONDS = 120.0, 60.0
# No clock: reconcile would run in the middle of a measurement. No pauses between the steps of a canary.
_SETTINGS = {"SLIPWAY_LOCAL_CLOCK": "0", "SLIPWAY_CANARY_PAUSE": "0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the platform is; see endpoints.json."""

    gateway: str
    git: str
    apps_port: int
    ca: str
    database: str
    token: str
    webhook_secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A running platform of one checkout; `place` is a folder for the measurement's own files."""

    name: str
    checkout: Path
    home: Path
    place: Path
    endpoints: Endpoints

    def function(self, name: str) -> list[Process]:
        """Return the processes of a function: gunicorn's arbiter first, then its worker."""
        target = name.replace("-", "_")
        found = [one for one in self._processes() if one.environment.get("FUNCTION_TARGET") == target]
        return sorted(found, key=lambda one: one.pid in {other.parent for other in found}, reverse=True)

    def functions(self) -> list[str]:
        """Return the names of all functions."""
        targets = {one.environment.get("FUNCTION_TARGET", "") for one in self._processes()}
        return sorted(target.replace("_", "-") for target in targets if target)

    @contextmanager
    def without_builds(self) -> Iterator[None]:
        """Pause the build runner: builds would compete with the measurement for the processors."""
        runner = [one.pid for one in self._processes() if "functions.local.builds" in one.command]
        if not runner:
            msg = f"the build runner of {self.checkout} is not among its processes"
            raise RuntimeError(msg)
        for pid in runner:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in runner:
                os.kill(pid, signal.SIGCONT)

    def _processes(self) -> list[Process]:
        return [one for one in processes() if one.environment.get("SLIPWAY_LOCAL_HOME") == str(self.home)]


@contextmanager
def folder() -> Iterator[Path]:
    """Yield a temporary folder that the account of PostgreSQL can reach."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@contextmanager
def running(name: str, checkout: Path) -> Iterator[Platform]:
    """Run the platform of a checkout, with its own Python, until the block ends."""
    with folder() as place:
        home, python = place / "home", checkout / ".venv" / "bin" / "python"
        command = [str(python), "-m", "functions.local.up", "--home", str(home), "--any-ports"]
        with (
            (place / "up.log").open("w") as log,
            subprocess.Popen(command, cwd=checkout, env=_environment(), stdout=log, stderr=log) as process,
        ):
            try:
                endpoints = _wait(process, home / "endpoints.json", place / "up.log")
                yield Platform(name=name, checkout=checkout, home=home, place=place, endpoints=endpoints)
            finally:
                process.terminate()
                process.wait(_STOP_SECONDS)


def _environment() -> Mapping[str, str]:
    kept = ("PATH", "HOME", "LANG")
    return {**{name: value for name in kept if (value := os.environ.get(name))}, **_SETTINGS}  # noqa: TID251 - a child's


def _wait(process: subprocess.Popen[bytes], file: Path, log: Path) -> Endpoints:
    deadline = time.monotonic() + patient(_READY_SECONDS)
    while not file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            msg = f"the platform did not start: {log.read_text()[-2000:]}"
            raise RuntimeError(msg)
        time.sleep(0.05)
    found = json.loads(file.read_text())
    return Endpoints(**{name: found[name] for name in Endpoints.__slots__})
