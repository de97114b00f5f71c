"""A platform whose disk becomes full: `python -m tests.local.platform.full_disk FOLDER`, on a small disk of its own.

It is a process of its own, because it runs in a mount namespace of its own: see test_full_disk.py.
"""

import os
import signal
import sys
import threading
import uuid
from dataclasses import replace
from pathlib import Path

import httpx

from functions.local.platform.health import http_answers
from tests.conftest import ROOT
from tests.local.pipeline.developer import Developer, begin
from tests.local.pipeline.stage import Stage
from tests.local.pipeline.webhooks import Webhook, webhook
from tests.local.waiting import until

REPORTED: list[str] = []
EVENT = "dev.slipway.push.received.v1"
EXAMPLE = ROOT / "schemas" / "examples" / f"{EVENT}.json"
KILLED = ("postgres", "nats", "broker", "rollouts", "builds", "verify-webhook", "caddy")


class Ballast:
    """Fills the disk, and keeps it full while programs delete what is theirs."""

    def __init__(self, folder: Path) -> None:
        self._path, self._stop = folder / "ballast", threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def put(self) -> None:
        """Fill the disk."""
        self._fill()
        self._thread.start()

    def remove(self) -> None:
        """Make room."""
        self._stop.set()
        self._thread.join()
        self._path.unlink()

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            self._fill()

    def _fill(self) -> None:
        with self._path.open("ab", buffering=0) as file:
            for size in (1024**2, 4096, 1):
                try:
                    while not self._stop.is_set():
                        file.write(b"\0" * size)
                except OSError:
                    continue


def main(folder: Path) -> None:
    """Fill the disk below a platform, see what it refuses, kill most of it, make room, and see it go on."""
    folder.chmod(0o711)
    stage = Stage(folder=folder, say=REPORTED.append)
    ballast = Ballast(folder)
    try:
        stage.start()
        dev = begin(stage, "hello")
        live = dev.deploy()
        padding = os.urandom(500_000).hex()  # no free page of PostgreSQL's files holds that
        large = webhook(dev, "1" * 40, branch="late", padding=padding)
        next_one = dev.commit({"GREETING": "there is room"})

        ballast.put()
        until(lambda: any("is full" in line for line in REPORTED), why="the report")
        refuses_in_words(dev)
        until(lambda: deliver(large) == 503, seconds=60, why="the refusal of a webhook")
        assert dev.answer().split()[0] == live

        kill(stage)
        until(lambda: deliver(large) == 503, seconds=60, why="verify-webhook")
        until(lambda: answers(dev) == live, seconds=60, why="the app, when Caddy is there again")
        refuses_in_words(dev)
        until(http_answers(stage.platform.instance.ports["broker"]), seconds=60, why="the broker")
        until(lambda: publish(stage) == 503, seconds=60, why="the refusal of an event, after which NATS takes no other")
        assert httpx.get(f"{stage.at.broker}/healthz", trust_env=False).status_code == 503

        ballast.remove()
        until(lambda: any("has room again" in line for line in REPORTED), why="the report")
        until(lambda: deliver(large) == 202, seconds=60, why="a webhook that is accepted")
        until(lambda: publish(stage) == 202, seconds=60, why="an event that is accepted")
        dev.push()
        stage.live(next_one, "hello", seconds=90)
        assert dev.answer().split()[0] == next_one
    finally:
        sys.stdout.write("\n".join(REPORTED))
        stage.stop()


def refuses_in_words(dev: Developer) -> None:
    """See that a push is refused with a reason: by git, or by the database, which says who may push."""
    try:
        dev.push()
    except AssertionError as error:
        words = str(error)
    else:
        words = ""
    by_git = "No space left on device" in words and "[remote rejected]" in words
    by_database = "PostgreSQL" in words and "disk is full, make room" in words
    assert by_git or by_database, words


def kill(stage: Stage) -> None:
    """Kill programs, and see that the process manager, which survived, starts them again."""
    before = {info["name"]: info["pid"] for info in stage.platform.supervisor.call("getAllProcessInfo")}
    for name in KILLED:
        os.kill(before[name], signal.SIGKILL)

    def restarted() -> bool:
        now = {info["name"]: info["pid"] for info in stage.platform.supervisor.call("getAllProcessInfo")}
        return all(now[name] not in {0, before[name]} for name in KILLED)

    until(restarted, seconds=60, why="the programs that were killed")


def deliver(what: Webhook) -> int:
    """Send it as a new delivery, and return the status of the answer, 0 when there is none."""
    try:
        return replace(what, delivery=str(uuid.uuid4())).send().status_code
    except httpx.HTTPError:
        return 0


def publish(stage: Stage) -> int:
    """Send an event to the broker, and return the status of the answer, 0 when there is none."""
    headers = {"ce-specversion": "1.0", "ce-id": str(uuid.uuid4()), "ce-source": "/test", "ce-type": EVENT}
    headers |= {"content-type": "application/json", "authorization": f"Bearer {stage.platform.instance.event_token}"}
    try:
        return stage.post(stage.at.broker, EXAMPLE.read_bytes(), headers).status_code
    except httpx.HTTPError:
        return 0


def answers(dev: Developer) -> str:
    """Return the commit that answers, empty when none does."""
    status, text = dev.stage.get(dev.app)
    return text.split()[0] if status == httpx.codes.OK else ""


if __name__ == "__main__":
    main(Path(sys.argv[1]))
