"""track-release: only reports count, and an ended release does not change."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest

from functions.common.adapters.postgres.releases import PostgresReleaseProgress
from functions.common.domain.addresses import Addresses
from functions.common.domain.push import PushState
from functions.common.domain.release import ReleaseState
from functions.common.events.base import Event
from functions.common.events.release import ReleaseFailed, ReleaseLive, WorkloadChanged
from functions.track_release.handler import handle
from tests.functions.promote_image.promoter import Promoter
from tests.world import DOMAIN, World, caused_by, digest_of

Phase = Literal["releasing", "starting", "shifting", "live", "failed"]


@pytest.fixture
def world(database: str, tmp_path: Path) -> Iterator[World]:
    world = World(database)
    world.app()
    Promoter(world, tmp_path).promote(world.push("a"))
    yield world
    world.database.close()


def report(
    world: World,
    phase: Phase,
    *,
    release: int = 1,
    weight: int = 0,
    step: str = "",
    reason: str = "",
    log: str = "",
    event_id: str = "",
) -> Event | None:
    event = WorkloadChanged(
        app="hello",
        environment="production",
        release=release,
        phase=phase,
        weight=weight,
        step=step,
        reason=reason,
        log_tail=log,
    )
    with caused_by(event_id or f"{phase}-{release}"):
        return handle(
            event,
            releases=PostgresReleaseProgress(database=world.database),
            pushes=world.pushes,
            addresses=Addresses(domain=DOMAIN, port=8443),
        )


def step(world: World) -> str:
    return str(world.database.run("select step from releases where number = 1")[0][0])


def test_progress_is_recorded_without_a_reply(world: World) -> None:
    seen = []
    steps: tuple[tuple[Phase, int], ...] = (("releasing", 0), ("starting", 0), ("shifting", 25))
    for phase, weight in steps:
        assert report(world, phase, weight=weight) is None
        seen.append(step(world))
    assert seen == ["release command", "health check", "canary 25 %"]
    assert world.state("a") is PushState.RELEASING


def test_the_same_step_again_is_no_progress(world: World) -> None:
    report(world, "starting")
    world.age("releases", "moved_at", timedelta(hours=2))
    first = world.database.run("select moved_at from releases")

    report(world, "starting")

    assert world.database.run("select moved_at from releases") == first


def test_live_ends_the_push_and_has_the_url(world: World) -> None:
    expected = ReleaseLive(
        app="hello",
        environment="production",
        push="a",
        release=1,
        digest=digest_of("a"),
        sha="a",
        url="https://hello.apps.example.org:8443/",
    )
    assert report(world, "live") == expected
    assert report(world, "live") == expected
    assert world.state("a") is PushState.LIVE
    shown = world.database.run("select deployment_status, deployment_image from projects")
    assert shown == [["live", f"local/hello@{digest_of('a')}"]]


def test_live_retires_the_one_before(world: World, tmp_path: Path) -> None:
    report(world, "live")
    Promoter(world, tmp_path).promote(world.push("b"))
    report(world, "live", release=2)
    assert world.releases() == [(1, "push", "retired"), (2, "push", "live")]
    assert isinstance(report(world, "live", release=1), ReleaseLive)
    assert world.releases() == [(1, "push", "retired"), (2, "push", "live")]


def test_live_leaves_failed_and_superseded_releases_as_they_are(world: World, tmp_path: Path) -> None:
    promoter = Promoter(world, tmp_path)
    report(world, "failed", step="canary", reason="errors")
    for name in ("b", "c"):
        promoter.promote(world.push(name))

    report(world, "live", release=3)

    assert world.releases() == [(1, "push", "failed"), (2, "push", "superseded"), (3, "push", "live")]


def test_failed_ends_the_push_with_step_reason_and_the_end_of_the_log(world: World) -> None:
    log = "ü" * 5000 + "the end"
    failed = report(world, "failed", step="health check", reason="/ answered 500", log=log)
    assert isinstance(failed, ReleaseFailed)
    assert (failed.step, failed.reason, failed.push) == ("health check", "/ answered 500", "a")
    assert failed.log_tail.endswith("the end")
    assert 4000 < len(failed.log_tail.encode()) <= 4096
    assert report(world, "failed", step="other", reason="other", log=log) == failed
    assert world.state("a") is PushState.FAILED


@pytest.mark.parametrize("phase", ["live", "failed"])
def test_only_the_event_that_reported_the_end_gets_a_reply(world: World, phase: Phase) -> None:
    first = report(world, phase, event_id="first")

    assert first
    assert report(world, phase, event_id="of a pod that woke") is None
    assert report(world, phase, event_id="first") == first


def test_an_end_that_no_event_reported_gets_a_reply_for_any_event(world: World) -> None:
    where = ("hello", "production", 1)
    PostgresReleaseProgress(database=world.database).finish(*where, ReleaseState.FAILED, reason="too late")

    assert isinstance(report(world, "failed", event_id="a pod"), ReleaseFailed)


def test_a_failed_release_leaves_the_live_image_on_the_app(world: World, tmp_path: Path) -> None:
    report(world, "live")
    Promoter(world, tmp_path).promote(world.push("b"))
    report(world, "failed", release=2, step="canary", reason="errors")
    assert world.releases() == [(1, "push", "live"), (2, "push", "failed")]
    shown = world.database.run("select deployment_status, deployment_image from projects")
    assert shown == [["failed", f"local/hello@{digest_of('a')}"]]


@pytest.mark.parametrize(("first", "late"), [("live", "failed"), ("failed", "live"), ("live", "shifting")])
def test_a_report_after_the_end_changes_nothing(world: World, first: Phase, late: Phase) -> None:
    report(world, first, step="x", reason="y")
    before = (world.releases(), step(world), world.state("a"))
    assert report(world, late, weight=10) is None
    assert (world.releases(), step(world), world.state("a")) == before


@pytest.mark.parametrize("phase", ["shifting", "live", "failed"])
def test_a_report_on_a_superseded_or_unknown_release_changes_nothing(
    world: World, tmp_path: Path, phase: Phase
) -> None:
    Promoter(world, tmp_path).promote(world.push("b"))
    before = (world.releases(), world.state("a"), world.state("b"))
    assert report(world, phase) is None
    assert report(world, phase, release=99) is None
    assert (world.releases(), world.state("a"), world.state("b")) == before
