"""A small platform as a process: `task up` on a project of two tiny functions."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from functions.local import instance as instances
from functions.local.instance import Instance
from functions.local.platform.programs import CODE
from functions.local.platform.supervisor import call
from tests.local.project import broker, service, trigger, write_project
from tests.local.sandboxed import sandbox_settings
from tests.local.waiting import until
from tests.patience import patient

MANIFESTS = service("echo") + service("park") + trigger("echo-asked", "echo", type="test.asked.v1")
ECHO = """
    def target(request):
        if request.path == "/healthz":
            return "", 204
        print("got", request.get_json(force=True)["id"], flush=True)
        return "", 202
"""
PARK = """
    def target(request):
        return "", 204
"""
# As often as the product's Broker: the workers of a killed server answer with errors for seconds, until they see it,
# and fewer tries would be over by then.
PATIENT_BROKER = broker(retry=8)
READY_SECONDS = 90.0


class Up:
    """One `up` on one home."""

    def __init__(self, folder: Path, echo: str) -> None:
        self.home = folder / "home"
        self.project = write_project(folder / "project", MANIFESTS, broker=PATIENT_BROKER, echo=echo, park=PARK)
        self.sandbox = sandbox_settings(folder)
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start, and return the output until it is ready."""
        process = self.launch()
        assert process.stdout is not None
        output = ""
        for line in process.stdout:
            output += line
            if "shows what happens" in line:
                return output
        raise AssertionError(output)

    def launch(self) -> "subprocess.Popen[str]":
        """Start, and do not wait."""
        self.process = self._popen()
        return self.process

    def refused(self) -> str:
        """Start, and return the complaint of one that cannot."""
        process = self._popen()
        output, _ = process.communicate(timeout=patient(READY_SECONDS))
        assert process.returncode == 1
        return output

    def stop(self, number: signal.Signals = signal.SIGINT) -> float:
        """Stop as Ctrl-C does, and return the seconds that took."""
        assert self.process is not None
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.communicate(timeout=patient(60))
        assert self.process.returncode == (0 if number != signal.SIGKILL else -signal.SIGKILL)
        return time.monotonic() - started

    @property
    def endpoints(self) -> dict[str, Any]:
        """Return endpoints.json."""
        return dict(json.loads((self.home / "endpoints.json").read_text()))

    @property
    def instance(self) -> Instance:
        """Return instance.json."""
        found = instances.load(self.home)
        assert found is not None
        return found

    def programs(self) -> dict[str, int]:
        """Return the process id of each program that runs."""
        infos = call(self.instance.runtime / "supervisor.sock", "getAllProcessInfo")
        return {info["name"]: info["pid"] for info in infos if info["pid"]}

    def _popen(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "functions.local.up", "--home", self.home, "--project", self.project, "--any-ports"],
            cwd=CODE,
            env={"PATH": os.defpath, "PYTHONUNBUFFERED": "1", "SECRET_OF_THE_SHELL": "x", **self.sandbox},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@contextmanager
def small_platform(folder: Path, *, echo: str = ECHO) -> Iterator[Up]:
    """Yield a platform that is not started, and stop it afterwards if it runs."""
    up = Up(folder, echo)
    try:
        yield up
    finally:
        if up.process is not None and up.process.poll() is None:
            up.stop()


def wait(condition: Callable[[], bool], seconds: float = 90.0) -> None:
    """Wait for something, also on a machine that is busy. Fails when it does not come."""
    until(condition, seconds=seconds, every=0.05)


def is_taken(port: int) -> bool:
    """Return whether a program listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
