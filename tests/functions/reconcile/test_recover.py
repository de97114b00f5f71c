"""Pushes and releases that make no progress are recovered, or ended."""

from datetime import timedelta
from pathlib import Path

import pytest

from functions.common.domain.build import BuildOrder, build_name
from functions.common.domain.push import Push, PushState
from functions.common.events.build import BuildEnded, BuildFailed, BuildRequested
from functions.common.events.push import PushReceived, Repository
from functions.common.events.release import ReleaseFailed, RollbackRequested, WorkloadChanged
from tests.functions.promote_image.promoter import Promoter
from tests.functions.reconcile.ticker import Ticker
from tests.world import World, caused_by, digest_of, image

MINUTE, TWO_HOURS = timedelta(minutes=1), timedelta(hours=2)
BUILD = build_name("hello", "production", "a")


@pytest.fixture
def push(world: World) -> Push:
    return world.push("a")


def requested(push: Push) -> BuildRequested:
    return BuildRequested(
        app=push.app, environment=push.environment, push=push.id, repository="team/hello",
        clone_url="https://forge.example.org/team/hello.git", ref=push.ref, sha=push.sha, sequence=push.sequence,
    )  # fmt: skip


def received(push: Push) -> PushReceived:
    return PushReceived(
        push=push.id, provider="forgejo", delivery="1", repository=Repository(full_name="team/hello", urls=()),
        ref=push.ref, branch="main", before="", after=push.sha,
    )  # fmt: skip


def ordered(world: World, state: str = "waiting") -> None:
    world.builder.start(
        BuildOrder(
            name=BUILD,
            app="hello",
            environment="production",
            push="a",
            clone_url="https://x/y",
            ref="refs/heads/main",
            sha="a" * 40,
        )
    )
    world.database.run(
        'update platform.builds set state = :state, digest = :digest, processes = \'{"web": "serve"}\'',
        state=state,
        digest=digest_of("a") if state == "succeeded" else "",
    )


def report(world: World, phase: str, release: int = 1, push: str = "a") -> None:
    event = WorkloadChanged.model_validate(
        {"app": "hello", "environment": "production", "push": push, "release": release, "phase": phase}
    )
    world.database.run(
        "insert into platform.reports (app, environment, release, event) "
        "values ('hello', 'production', :release, cast(:event as jsonb))",
        release=release,
        event=event.model_dump_json(),
    )


def test_a_push_that_has_just_made_progress_is_left_alone(world: World, ticker: Ticker, push: Push) -> None:
    world.record(requested(push))
    assert ticker.tick("stuck") == []


def test_the_build_request_of_a_received_push_is_sent_again(world: World, ticker: Ticker, push: Push) -> None:
    world.age("pushes", "moved_at", MINUTE)
    world.record(received(push), "delivery")
    build = world.record(requested(push))
    assert [sent.id for sent in ticker.tick("stuck")] == [build.id]


def test_a_received_push_without_a_build_request_is_sent_again(world: World, ticker: Ticker, push: Push) -> None:
    world.age("pushes", "moved_at", MINUTE)
    event = world.record(received(push), "delivery")
    assert [sent.id for sent in ticker.tick("stuck")] == [event.id]


def building(world: World, push: Push) -> None:
    world.pushes.advance(push.id, push.app, PushState.BUILDING)
    world.age("pushes", "moved_at", MINUTE)


def test_a_build_that_the_builder_does_not_know_is_requested_again(world: World, ticker: Ticker, push: Push) -> None:
    building(world, push)
    build = world.record(requested(push))
    assert [sent.id for sent in ticker.tick("stuck")] == [build.id]


def test_a_running_build_is_left_alone(world: World, ticker: Ticker, push: Push) -> None:
    building(world, push)
    ordered(world, "running")
    assert ticker.tick("stuck") == []


def test_a_build_whose_end_was_lost_is_reported_again(world: World, ticker: Ticker, push: Push) -> None:
    building(world, push)
    ordered(world, "succeeded")
    ticker.tick("stuck")
    (ended,) = world.sink.of(BuildEnded)
    assert (ended.build, ended.state, ended.digest, ended.push) == (BUILD, "succeeded", digest_of("a"), "a")
    assert ended.processes == {"web": "serve"}


def test_an_image_that_was_not_promoted_is_published_again(world: World, ticker: Ticker, push: Push) -> None:
    building(world, push)
    ordered(world, "succeeded")
    published = world.record(image(push))
    assert [sent.id for sent in ticker.tick("stuck")] == [published.id]


@pytest.fixture
def releasing(world: World, push: Push, tmp_path: Path) -> str:
    """Return the id of the image.published of a push that is being released."""
    published = world.record(image(push))
    Promoter(world, tmp_path / "images").promote(push, cause=published.id)
    world.age("pushes", "moved_at", MINUTE)
    world.age("releases", "moved_at", MINUTE)
    return published.id


@pytest.mark.usefixtures("releasing")
def test_an_unfinished_release_is_left_alone(world: World, ticker: Ticker) -> None:
    report(world, "shifting")
    assert ticker.tick("stuck", "releases") == []


@pytest.mark.usefixtures("releasing")
@pytest.mark.parametrize("phase", ["live", "failed"])
def test_a_release_whose_end_was_lost_is_reported_again(world: World, ticker: Ticker, phase: str) -> None:
    report(world, phase)
    ticker.tick("stuck")
    (seen,) = world.sink.of(WorkloadChanged)
    assert (seen.phase, seen.release) == (phase, 1)


def test_a_release_that_the_deployer_does_not_know_is_promoted_again(
    world: World, ticker: Ticker, releasing: str
) -> None:
    world.database.run("delete from platform.workloads")
    assert [sent.id for sent in ticker.tick("stuck")] == [releasing]


def test_a_push_without_progress_ends(world: World, ticker: Ticker, push: Push) -> None:
    building(world, push)
    ordered(world, "running")
    world.database.run(
        "insert into builds (name, app, environment, push, repository, sha, ref, sequence) "
        "values (:name, 'hello', 'production', 'a', '', 'a', '', 1)",
        name=BUILD,
    )
    world.age("pushes", "moved_at", TWO_HOURS)
    ticker.tick("stuck")
    (failed,) = world.sink.of(BuildFailed)
    assert (failed.step, failed.reason) == ("deadline", "no progress for 60 minutes: push again")
    assert world.state("a") is PushState.FAILED
    assert world.database.run("select cancelled from platform.builds") == [[True]]
    assert ticker.tick("stuck") == []


@pytest.mark.usefixtures("releasing")
def test_a_release_without_progress_ends_with_its_push(world: World, ticker: Ticker) -> None:
    world.age("pushes", "moved_at", TWO_HOURS)
    ticker.tick("stuck")
    assert world.state("a") is PushState.RELEASING  # the release itself moved an hour and less ago
    world.age("releases", "moved_at", TWO_HOURS)
    ticker.tick("stuck")
    (failed,) = world.sink.of(ReleaseFailed)
    assert (failed.push, failed.release, failed.step) == ("a", 1, "deadline")
    assert (world.state("a"), world.releases()) == (PushState.FAILED, [(1, "push", "failed")])


@pytest.fixture
def rolling_back(world: World, push: Push, tmp_path: Path) -> str:
    """Return the id of the rollback.requested of a rollback that is on its way."""
    promoter = Promoter(world, tmp_path / "images")
    promoter.promote(push)
    world.database.run("update releases set state = 'live', ended_at = now()")
    world.pushes.advance("a", "hello", PushState.LIVE)
    event = world.record(RollbackRequested(app="hello", environment="production", to=1))
    with caused_by(event.id):
        promoter.roll_back(1, cause=event.id)
    world.age("releases", "moved_at", MINUTE)
    return event.id


def test_a_rollback_that_the_deployer_does_not_know_is_requested_again(
    world: World, ticker: Ticker, rolling_back: str
) -> None:
    world.database.run("delete from platform.workloads")
    assert [sent.id for sent in ticker.tick("releases")] == [rolling_back]


@pytest.mark.usefixtures("rolling_back")
def test_a_rollback_whose_end_was_lost_is_reported_again(world: World, ticker: Ticker) -> None:
    report(world, "live", release=2, push="")
    ticker.tick("releases")
    assert [seen.release for seen in world.sink.of(WorkloadChanged)] == [2]


@pytest.mark.usefixtures("rolling_back")
def test_a_rollback_without_progress_ends(world: World, ticker: Ticker) -> None:
    world.age("releases", "moved_at", TWO_HOURS)
    ticker.tick("releases")
    assert [failed.release for failed in world.sink.of(ReleaseFailed)] == [2]
    assert world.releases()[1] == (2, "rollback", "failed")
