"""Failed releases: the running version continues to serve."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.local.rollouts.conftest import controlled
from tests.local.rollouts.load import under_load
from tests.local.rollouts.test_releases import load_on
from tests.local.rollouts.world import RolloutWorld
from tests.local.waiting import until
from tests.patience import patient


def nothing_is_left_of(world: RolloutWorld, release: int) -> bool:
    programs = [name for name in world.process_manager.states() if f".{release}." in name]
    files = list((world.home / "apps.d").glob(f"app.hello.production.{release}.*"))
    return not programs and not files


@pytest.fixture
def impatient(bare: RolloutWorld) -> Iterator[RolloutWorld]:
    """Return a world whose release 1 is live and where the next one must be quick."""
    bare.certify()
    with controlled(bare):
        bare.deployer.apply(bare.workload(1))
        bare.live(1)
        until(bare.certified, why="the certificate")
    with controlled(bare, SLIPWAY_HEALTH_LIMIT=f"{patient(1.5):g}", SLIPWAY_RELEASE_LIMIT=f"{patient(1):g}"):
        yield bare


def test_a_version_that_crashes_at_its_start_is_noticed_at_once(world: RolloutWorld) -> None:
    with under_load(load_on(world)) as load:
        world.deployer.apply(world.workload(2, "crashes"))
        report = world.ended(2)

    assert (report.phase, report.step, report.weight) == ("failed", "start", 0)
    assert report.reason.startswith("the web process ended with exit code 1; its last line: this cannot ")
    assert "this cannot start" in report.log_tail
    assert load.failures == []
    assert load.shares().keys() == {"release 1"}
    until(lambda: nothing_is_left_of(world, 2), why="the end of its processes")


def test_a_version_that_fails_its_health_check_gets_no_request(impatient: RolloutWorld) -> None:
    with under_load(load_on(impatient)) as load:
        impatient.deployer.apply(impatient.workload(2, "unhealthy"))
        report = impatient.ended(2)

    assert (report.phase, report.step, report.weight) == ("failed", "health check", 0)
    assert "/up answered 500; it must answer below 500" in report.reason
    assert "serving release 2" in report.log_tail
    assert load.failures == []
    assert load.shares().keys() == {"release 1"}
    until(lambda: nothing_is_left_of(impatient, 2), why="the end of its processes")


def test_a_version_that_speaks_no_http_fails_its_health_check(bare: RolloutWorld) -> None:
    with controlled(bare, SLIPWAY_HEALTH_LIMIT=f"{patient(5):g}"):  # it must have started before
        bare.deployer.apply(bare.workload(1, "babbles"))
        report = bare.ended(1)

    assert (report.phase, report.step) == ("failed", "health check")
    assert r"the answer is not HTTP, it begins with '\x00\x01 who is there" in report.reason


def test_a_failing_release_command_stops_the_release(world: RolloutWorld) -> None:
    processes = {"release": "echo the table is locked; exit 4"}
    world.deployer.apply(world.workload(2, processes=processes))
    report = world.ended(2)

    assert (report.phase, report.step) == ("failed", "release command")
    assert "exit code 4" in report.reason
    assert "the table is locked" in report.log_tail
    assert [one.phase for one in world.reports() if one.release == 2] == ["releasing", "failed"]


def test_a_release_command_that_hangs_is_stopped(impatient: RolloutWorld) -> None:
    impatient.deployer.apply(impatient.workload(2, processes={"release": "sleep 300"}))
    report = impatient.ended(2)

    assert (report.phase, report.step) == ("failed", "release command")
    assert f"did not end within {patient(1):g} seconds" in report.reason
    until(lambda: nothing_is_left_of(impatient, 2), why="the end of its processes")


def test_errors_in_a_canary_return_the_traffic(slow: RolloutWorld) -> None:
    with under_load(load_on(slow), posts=False) as load:
        slow.deployer.apply(slow.workload(2, "errors"))
        report = slow.ended(2)

    assert (report.phase, report.weight) == ("failed", 0)
    assert report.step.startswith("canary at ")
    assert "failed with a server error (the running version: 0 of " in report.reason
    # Requests that may be repeated were answered by the running version.
    assert load.failures == []
    assert load.shares().keys() == {"release 1"}
    until(lambda: nothing_is_left_of(slow, 2), why="the end of its processes")


def test_an_unhealthy_canary_without_traffic_fails(slow: RolloutWorld) -> None:
    slow.deployer.apply(slow.workload(2, "sickens"))
    report = slow.ended(2)

    assert (report.phase, report.weight) == ("failed", 0)
    assert report.step.startswith("canary at ")
    assert "/up answered 500; it must answer below 500" in report.reason
    assert slow.stages()[1] == "live"
    until(lambda: nothing_is_left_of(slow, 2), why="the end of its processes")


def test_a_crash_in_a_canary_returns_the_traffic(slow: RolloutWorld) -> None:
    with under_load(load_on(slow)) as load:
        slow.deployer.apply(slow.workload(2, "dies"))
        report = slow.ended(2)

    assert report.phase == "failed"
    assert "the web process ended" in report.reason
    assert "something is broken" in report.log_tail
    assert len(load.failures) <= 1, load.failures  # a POST that it was answering when it died
    until(lambda: nothing_is_left_of(slow, 2), why="the end of its processes")


def test_a_missing_image_fails_the_release(world: RolloutWorld) -> None:
    gone = "sha256:" + "0" * 64
    world.deployer.apply(replace(world.workload(2), digest=gone))
    report = world.ended(2)

    assert (report.phase, report.step) == ("failed", "image")
    assert gone in report.reason
    assert "push again" in report.reason


def test_a_newer_release_takes_over_an_unfinished_one(slow: RolloutWorld) -> None:
    with under_load(load_on(slow)) as load:
        slow.deployer.apply(slow.workload(2))
        until(lambda: any(one.phase == "shifting" and one.release == 2 for one in slow.reports()))
        slow.deployer.apply(slow.workload(3))
        first, second = slow.ended(2), slow.ended(3)

    assert (first.phase, first.step) == ("failed", "superseded")
    assert second.phase == "live"
    assert load.failures == []
    until(lambda: nothing_is_left_of(slow, 2), why="the end of its processes")
