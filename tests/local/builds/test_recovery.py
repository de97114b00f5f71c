"""A build runner that is killed in the middle, and reports that must arrive."""

import signal
import subprocess
import sys
import threading

from functions.common.domain.build import BuildState
from functions.common.errors import Unavailable
from functions.common.events.base import CURRENT_CAUSE, Event
from functions.common.events.build import BuildEnded
from functions.common.events.envelope import Envelope, envelop
from functions.local.builds.orders import BuildReports
from functions.local.reports import send_reports
from functions.local.sandbox.isolation import build_cache
from tests.local.builds.conftest import BuildWorld
from tests.local.builds.test_builds import members
from tests.local.sandboxed import sandbox_settings
from tests.local.waiting import until

SLOW_ONCE = '{"scripts": {"start": "true", "build": "test -e ~/begun || { touch ~/begun; sleep 300; }"}}'


def test_a_killed_runners_build_is_stopped_and_built_again(idle: BuildWorld, database: str) -> None:
    name = idle.order(idle.repository.commit({"package.json": SLOW_ONCE}))
    begun = build_cache(idle.workspace.home, "hello", "production") / "begun"
    environment = {
        **idle.workspace.environment,
        "DATABASE_URL": database,
        "K_SINK": "http://127.0.0.1:9/",
        "SLIPWAY_LOCAL_HOME": str(idle.workspace.home),
        "SLIPWAY_GIT_URL": idle.workspace.git_url,
        **sandbox_settings(idle.workspace.home),
    }
    argv = [sys.executable, "-m", "functions.local.builds"]

    with subprocess.Popen(argv, env=environment, stderr=subprocess.DEVNULL) as first:
        until(begun.exists, why="the build script")
        group = idle.group(name)
        first.send_signal(signal.SIGKILL)
    assert members(group)
    with subprocess.Popen(argv, env=environment, stderr=subprocess.DEVNULL) as second:
        result = idle.ended(name)
        second.terminate()

    assert result.state is BuildState.SUCCEEDED, result
    assert members(group) == []
    assert idle.log(name).count("-----> Fetching") == 1


class FlakySink:
    """An event sink that is down for the first calls."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.taken: list[tuple[Envelope, Event]] = []

    def publish(self, event: Event, *, discriminator: str = "") -> Envelope:
        """Take the event, or fail."""
        if self.failures:
            self.failures -= 1
            msg = "the broker is down"
            raise Unavailable(msg)
        cause = CURRENT_CAUSE.get()
        envelope = envelop(event, cause=cause, time="2026-01-02T03:04:05Z", discriminator=discriminator)
        self.taken.append((envelope, event))
        return envelope

    def resend(self, envelope: Envelope) -> None:
        """Never called."""


def test_an_end_is_reported_until_the_broker_accepts_it_and_not_again(world: BuildWorld) -> None:
    name = world.order(world.repository.commit_example("static"))
    ended = world.ended(name)
    sink, stop = FlakySink(failures=2), threading.Event()
    reports = BuildReports(database=world.orders.database)
    thread = threading.Thread(target=send_reports, args=(reports, sink, stop))
    thread.start()
    until(lambda: not list(reports.waiting()), why="the report")
    stop.wait(0.2)
    stop.set()
    thread.join()

    ((envelope, event),) = sink.taken
    assert isinstance(event, BuildEnded)
    assert ended.image
    assert (event.build, event.state, event.push) == (name, "succeeded", "p1")
    assert (event.digest, event.processes) == (ended.image.digest, ended.image.processes)
    assert envelope.source == "/slipway/builds"


def test_a_commit_whose_build_failed_can_be_ordered_by_another_push(world: BuildWorld) -> None:
    sha = world.repository.commit({"README": "nothing"})
    name = world.order(sha)
    assert world.ended(name).state is BuildState.FAILED
    until(lambda: "failed" in world.log(name), why="the log's end")
    world.order(sha, push="p2")

    reports = BuildReports(database=world.orders.database)
    until(lambda: [one.cause.id for one in reports.waiting()] == [f"{name}/p2"], why="the second end")
