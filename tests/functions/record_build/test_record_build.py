"""How builds end, over a real database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from functions.common.adapters.postgres.apps import PostgresAppEditor
from functions.common.adapters.postgres.builds import PostgresBuildLedger
from functions.common.domain.build import build_name
from functions.common.errors import Rejected
from functions.common.events.build import BuildEnded
from functions.common.events.envelope import Envelope
from tests.push_world import PushWorld, digest, sha

NAME = build_name("hello", "production", sha("a"))


@pytest.fixture
def world(database: str) -> Iterator[PushWorld]:
    world = PushWorld(database)
    world.app()
    world.head("a")
    world.run(world.pushed("p1", "a"))
    yield world
    world.database.close()


def reply_to(world: PushWorld, report: Envelope) -> dict[str, object]:
    (event,) = world.handle(report)
    return {"type": event.type.split("slipway.")[1], **event.data}


def state(world: PushWorld) -> tuple[str, str, str]:
    row = world.rows("select state, step, reason from pushes")[0]
    return row["state"], row["step"], row["reason"]


def test_a_success_publishes_the_image(world: PushWorld) -> None:
    report = world.ended(NAME, "succeeded", letter="a")

    event = reply_to(world, report)

    expected = {"type": "image.published.v1", "push": "p1", "sequence": 1, "digest": digest("a"), "sha": sha("a")}
    assert event | expected | {"repository": "team/hello", "processes": {"web": "run"}} == event
    world.images.images.clear()
    assert reply_to(world, report) == event
    assert state(world)[0] == "building"


def test_an_image_of_another_app_is_not_published(world: PushWorld) -> None:
    world.images.images.add(("local/other", digest("a")))
    theirs = {"digest": digest("a"), "image": "local/other", "processes": {"web": "run"}}
    report = BuildEnded(app="hello", push="p1", build=NAME, state="succeeded", **theirs)  # type: ignore[arg-type] # a dict for short

    event = reply_to(world, world.event(report, "end"))

    assert (event["type"], event["step"]) == ("build.failed.v1", "publish")


def test_a_success_without_its_image_fails_to_publish(world: PushWorld) -> None:
    report = world.ended(NAME, "succeeded", letter="a", stored=False)

    event = reply_to(world, report)

    assert (event["type"], event["step"]) == ("build.failed.v1", "publish")
    assert state(world)[:2] == ("failed", "publish")
    world.images.images.add(("local/hello", digest("a")))
    assert reply_to(world, report) == event


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        ("cancelled", "ada@example.org cancelled its build"),
        ("succeeded", "ada@example.org cancelled its build"),
        ("failed", "no requirements.txt"),
    ],
)
def test_a_build_that_a_person_cancelled_fails_its_push_in_words(world: PushWorld, ended: str, reason: str) -> None:
    assert PostgresBuildLedger(database=world.database).cancel_by(NAME, "ada@example.org")
    assert not PostgresBuildLedger(database=world.database).cancel_by(NAME, "bob@example.org")
    failed: dict[str, Any] = {"step": "install", "reason": "no requirements.txt"}
    more = {"succeeded": {"letter": "a"}, "failed": failed}
    report = world.ended(NAME, ended, **more.get(ended, {}))

    event = reply_to(world, report)

    step = "install" if ended == "failed" else "cancelled"
    assert event | {"type": "build.failed.v1", "step": step, "reason": reason} == event
    assert state(world) == ("failed", step, reason)
    assert reply_to(world, report) == event
    assert not PostgresBuildLedger(database=world.database).cancel_by(NAME, "ada@example.org")


def test_a_failure_has_step_reason_and_last_lines(world: PushWorld) -> None:
    report = world.ended(NAME, "failed", step="install", reason="no requirements.txt", log_tail="é" * 5000 + "\0end")

    event = reply_to(world, report)

    assert event | {"type": "build.failed.v1", "step": "install", "reason": "no requirements.txt"} == event
    assert str(event["log_tail"]).endswith("éend")
    assert 4000 < len(str(event["log_tail"]).encode()) <= 4096
    assert state(world) == ("failed", "install", "no requirements.txt")
    assert reply_to(world, report) == event


def test_a_failure_reported_without_a_log_gets_its_last_lines(database: str, tmp_path: Path) -> None:
    world = PushWorld(database, builds=tmp_path)
    world.app()
    world.head("a")
    world.run(world.pushed("p1", "a"))
    (tmp_path / f"{NAME}.log").write_text("fetching\nno such package\n")

    event = reply_to(world, world.ended(NAME, "failed", step="build", reason="exited with 1"))

    assert event["log_tail"] == "fetching\nno such package\n"
    world.database.close()


def test_a_cancelled_build_that_nothing_replaces_fails(world: PushWorld) -> None:
    event = reply_to(world, world.ended(NAME, "cancelled"))

    assert (event["type"], event["step"]) == ("build.failed.v1", "cancelled")
    assert state(world)[:2] == ("failed", "cancelled")


@pytest.mark.parametrize("second", ["failed", "cancelled", "succeeded"])
@pytest.mark.parametrize("first", ["failed", "cancelled", "succeeded"])
def test_the_first_report_counts(world: PushWorld, first: str, second: str) -> None:
    image = {"succeeded": {"letter": "a"}}
    world.handle(world.ended(NAME, first, **image.get(first, {})))  # type: ignore[arg-type] # a dict for short
    before = world.rows("select * from builds"), state(world)

    given = world.handle(world.ended(NAME, second, **image.get(second, {})))  # type: ignore[arg-type] # as above

    assert bool(given) == (first == second)
    assert (world.rows("select * from builds"), state(world)) == before


def test_another_digest_contradicts_the_recorded_one(world: PushWorld) -> None:
    world.handle(world.ended(NAME, "succeeded", letter="a"))

    assert world.handle(world.ended(NAME, "succeeded", letter="b")) == []


def test_concurrent_reports_give_one_end(world: PushWorld) -> None:
    reports = [world.ended(NAME, "succeeded", letter="a"), world.ended(NAME, "failed", step="run", reason="no")] * 8
    with ThreadPoolExecutor(8) as threads:
        given = {event.type for replies in threads.map(world.handle, reports) for event in replies}

    assert given in ({"dev.slipway.image.published.v1"}, {"dev.slipway.build.failed.v1"})


def test_an_unknown_build_is_rejected(world: PushWorld) -> None:
    with pytest.raises(Rejected, match="nothing was ordered"):
        world.handle(world.ended("other-build", "failed"))


@pytest.mark.parametrize("is_made_again", [False, True])
@pytest.mark.parametrize("end", ["succeeded", "failed", "cancelled"])
def test_the_end_of_a_deleted_apps_build_gets_no_reply(world: PushWorld, end: str, *, is_made_again: bool) -> None:
    PostgresAppEditor(database=world.database).remove("hello")
    if is_made_again:
        world.app()

    assert world.handle(world.ended(NAME, end, app="hello", push="p1")) == []


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_a_failed_build_of_a_deleted_app_does_not_end_the_build_of_a_new_app_of_the_same_name(
    world: PushWorld, end: str
) -> None:
    PostgresAppEditor(database=world.database).remove("hello")
    world.app()
    world.run(world.pushed("p2", "a"))

    assert world.handle(world.ended(NAME, end, app="hello", push="p1")) == []

    assert world.push_states() == {("p2", "hello"): "building"}
    event = reply_to(world, world.ended(NAME, "succeeded", letter="a", app="hello", push="p2"))
    assert (event["type"], event["push"]) == ("image.published.v1", "p2")


def test_the_end_of_a_build_that_a_later_push_took_over_ends_that_push(world: PushWorld) -> None:
    world.run(world.pushed("p2", "b", before="a"))
    world.database.run("update builds set push = 'p2'")

    event = reply_to(world, world.ended(NAME, "failed", app="hello", push="p1"))

    assert (event["type"], event["push"]) == ("build.failed.v1", "p2")


@pytest.mark.parametrize("known", [{"app": "hello", "push": "p1"}, {"app": "hello"}, {"push": "p1"}])
def test_an_unknown_build_of_what_is_known_is_rejected(world: PushWorld, known: dict[str, str]) -> None:
    with pytest.raises(Rejected, match="nothing was ordered"):
        world.handle(world.ended("other-build", "failed", **known))  # type: ignore[arg-type] # a dict for short


@pytest.mark.parametrize("end", ["succeeded", "failed", "cancelled"])
def test_a_redelivery_after_a_crash_anywhere_has_the_same_result(world: PushWorld, end: str) -> None:
    report = world.ended(NAME, end, **({"letter": "a"} if end == "succeeded" else {}))  # type: ignore[arg-type] # as above
    world.fuse.set(0)
    undisturbed, end_state = world.handle(report), state(world)
    points = world.fuse.points
    assert points >= 4
    for point in range(1, points + 1):
        world.database.run("update builds set state = 'running', digest = '', ended_at = null")
        world.database.run("update pushes set state = 'building', step = '', reason = '', ended_at = null")
        world.fuse.set(point)
        already = len(world.published)
        world.run(report)
        assert [event for event in world.published[already:] if event.type == undisturbed[0].type] == undisturbed
        assert state(world) == end_state
