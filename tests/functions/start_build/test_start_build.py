"""Which builds are begun, used again, taken over and cancelled, over a real database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.common.adapters.postgres.apps import PostgresAppEditor
from functions.common.adapters.postgres.builds import PostgresBuildLedger
from functions.common.domain.build import attempt_name, build_name
from functions.common.events.app import AppDeleted, PreviewClosed
from functions.common.events.build import BuildCancelled
from functions.common.events.envelope import Envelope
from tests.push_world import PushWorld, sha


@pytest.fixture
def world(database: str) -> Iterator[PushWorld]:
    world = PushWorld(database)
    world.app()
    yield world
    world.database.close()


def requested(world: PushWorld, identity: str, letter: str, *, branch: str = "main") -> Envelope:
    world.head(letter, branch)
    return world.handle(world.pushed(identity, letter, before="0", branch=branch))[-1]


def names(events: list[Envelope]) -> list[str]:
    return [event.type.split("slipway.")[1].removesuffix(".v1") for event in events]


def name(letter: str, environment: str = "production") -> str:
    return build_name("hello", environment, sha(letter))


def test_a_request_starts_a_build_once(world: PushWorld) -> None:
    request = requested(world, "p1", "a")

    first = world.handle(request)

    assert names(first) == ["build.started"]
    assert first[0].data["build"] == name("a")
    assert world.handle(request) == first
    assert list(world.builder.orders) == [name("a")]
    assert world.push_states() == {("p1", "hello"): "building"}


def test_a_request_handled_twice_at_once_starts_one_build(world: PushWorld) -> None:
    request = requested(world, "p1", "a")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(world.handle, [request] * 16))

    assert len(world.rows("select * from builds")) == 1
    assert world.push_states() == {("p1", "hello"): "building"}


def test_a_build_beyond_the_limit_of_the_app_fails_its_push_with_a_reason(database: str) -> None:
    world = PushWorld(database, most_builds=2)
    world.app()
    for number, branch in enumerate(("main", "one")):
        assert names(world.handle(requested(world, f"p{number}", "a", branch=branch))) == ["build.started"]
    request = requested(world, "p2", "a", branch="two")
    (failed,) = world.handle(request)

    assert names([failed]) == ["build.failed"]
    assert "2 builds of hello wait or run" in failed.data["reason"]
    assert world.handle(request) == [failed]  # as after a crash before the reply
    assert world.push_states()["p2", "hello"] == "failed"
    # A newer push of a branch whose build runs replaces that build, so there is none more.
    assert names(world.handle(requested(world, "p3", "b", branch="one"))) == ["build.started"]
    world.handle(world.ended(name("a"), "succeeded", letter="a"))
    assert names(world.handle(requested(world, "p4", "b", branch="two"))) == ["build.started"]
    world.database.close()


def test_a_build_that_a_person_cancels_is_cancelled_and_its_commit_can_be_pushed_again(world: PushWorld) -> None:
    world.handle(requested(world, "p1", "a"))
    PostgresBuildLedger(database=world.database).cancel_by(name("a"), "ada@example.org")
    cancelled = BuildCancelled(app="hello", environment="production", push="p1", build=name("a"))

    world.handle(world.event(cancelled, "cancel"))
    world.handle(world.ended(name("a"), "cancelled"))
    again = world.handle(requested(world, "p2", "a"))

    assert world.builder.cancelled == {name("a")}
    assert names(again) == ["build.started"]
    assert again[0].data["build"] == attempt_name(name("a"), 2)


def test_a_newer_push_cancels_the_build_of_the_older(world: PushWorld) -> None:
    world.handle(requested(world, "p1", "a"))

    world.handle(requested(world, "p2", "b"))

    assert world.builder.cancelled == {name("a")}
    assert world.rows("select superseded_by from builds where name = :n", n=name("a")) == [{"superseded_by": "p2"}]
    assert names(world.handle(world.ended(name("a"), "cancelled"))) == ["push.superseded"]
    assert world.push_states() == {("p1", "hello"): "superseded", ("p2", "hello"): "building"}


def test_a_push_that_is_overtaken_before_its_build_starts_is_superseded(world: PushWorld) -> None:
    older = requested(world, "p1", "a")
    world.handle(requested(world, "p2", "b"))

    events = world.handle(older)

    assert names(events) == ["push.superseded"]
    assert events[0].data["reason"] == f"the newer push of {'b' * 12} takes its place"
    assert world.handle(older) == events
    assert list(world.builder.orders) == [name("b")]


def test_a_b_a_builds_a_once(world: PushWorld) -> None:
    world.handle(requested(world, "p1", "a"))
    world.handle(world.ended(name("a"), "succeeded", letter="a"))
    world.handle(requested(world, "p2", "b"))
    again = requested(world, "p3", "a")

    events = world.handle(again)

    assert names(events) == ["image.published"]
    assert (events[0].data["push"], events[0].data["sequence"], events[0].data["build"]) == ("p3", 3, name("a"))
    assert world.handle(again) == events
    assert world.builder.cancelled == {name("b")}
    assert set(world.builder.orders) == {name("a"), name("b")}


def test_a_b_a_takes_over_the_build_of_a_that_still_runs(world: PushWorld) -> None:
    world.handle(requested(world, "p1", "a"))
    world.handle(world.handle(world.pushed("p0", "a"))[-1])
    overtaken, again = requested(world, "p2", "b"), requested(world, "p3", "a")

    events = world.handle(again)

    assert names(events) == ["push.superseded", "build.started"]
    assert (events[0].data["push"], events[1].data["push"]) == ("p1", "p3")
    assert world.handle(again) == events
    assert names(world.handle(overtaken)) == ["push.superseded"]
    published = world.handle(world.ended(name("a"), "succeeded", letter="a"))
    assert (published[0].data["push"], published[0].data["sequence"]) == ("p3", 3)
    states = world.push_states()
    assert (states["p1", "hello"], states["p2", "hello"], states["p3", "hello"]) == (
        "superseded",
        "superseded",
        "building",
    )


def test_a_build_that_is_being_cancelled_is_not_taken_over(world: PushWorld) -> None:
    world.handle(requested(world, "p1", "a"))
    world.handle(requested(world, "p2", "b"))

    events = world.handle(requested(world, "p3", "a"))

    assert events[0].data["build"] == attempt_name(name("a"), 2)
    assert events[0].data["build"].endswith("-r2")


def test_a_commit_that_failed_is_tried_again_for_another_push(world: PushWorld) -> None:
    request = requested(world, "p1", "a")
    first = world.handle(request)
    world.handle(world.ended(name("a"), "failed", step="install", reason="no"))
    assert world.handle(request) == first

    events = world.handle(requested(world, "p2", "a"))

    assert (names(events), events[0].data["build"]) == (["build.started"], attempt_name(name("a"), 2))
    assert world.push_states() == {("p1", "hello"): "failed", ("p2", "hello"): "building"}


def test_an_order_that_can_never_be_built_fails_the_push(world: PushWorld) -> None:
    world.builder.unbuildable = sha("a")

    events = world.handle(requested(world, "p1", "a"))

    assert (names(events), events[0].data["step"]) == (["build.failed"], "order")
    assert world.push_states() == {("p1", "hello"): "failed"}


def closing(world: PushWorld) -> Envelope:
    event = PreviewClosed(app="hello", environment="topic", branch="topic", host="h", reason="r")
    world.database.run("update environments set state = 'closed', closed_at = now() where name = 'topic'")
    return world.event(event, "c1")


def test_a_closed_preview_cancels_its_build(world: PushWorld) -> None:
    world.handle(requested(world, "p1", "a", branch="topic"))

    world.handle(closing(world))

    assert world.builder.cancelled == {name("a", "topic")}
    events = world.handle(world.ended(name("a", "topic"), "cancelled"))
    assert events[0].data["reason"] == "its preview was closed"
    assert world.push_states() == {("p1", "hello"): "superseded"}


def test_a_build_that_succeeds_after_its_preview_was_closed_is_not_released(world: PushWorld) -> None:
    world.handle(requested(world, "p1", "a", branch="topic"))
    world.handle(closing(world))

    assert names(world.handle(world.ended(name("a", "topic"), "succeeded", letter="a"))) == ["push.superseded"]


def test_a_late_event_does_not_cancel_the_builds_of_a_reopened_preview(world: PushWorld) -> None:
    world.handle(requested(world, "p1", "a", branch="topic"))
    late = closing(world)
    world.handle(requested(world, "p2", "b", branch="topic"))

    world.handle(late)

    assert world.builder.cancelled == {name("a", "topic")}
    assert world.rows("select superseded_by from builds where push = 'p2'") == [{"superseded_by": ""}]


def test_a_request_for_a_closed_preview_is_superseded_and_its_image_is_built_again(world: PushWorld) -> None:
    late = requested(world, "p1", "a", branch="topic")
    closing(world)
    assert world.handle(late)[0].data["reason"] == "the environment was closed"
    world.handle(requested(world, "p2", "a", branch="topic"))
    world.handle(world.ended(name("a", "topic"), "succeeded", letter="a"))
    closing(world)

    events = world.handle(requested(world, "p3", "a", branch="topic"))

    assert (names(events), events[0].data["build"]) == (["build.started"], attempt_name(name("a", "topic"), 2))


def test_a_deleted_app_cancels_all_running_builds(world: PushWorld) -> None:
    world.handle(requested(world, "p1", "a"))
    world.handle(requested(world, "p2", "a", branch="topic"))
    late = requested(world, "p3", "b", branch="topic")
    world.database.run("delete from projects")

    world.handle(world.event(AppDeleted(app="hello", hosts=(), environments=("production", "topic")), "x1"))

    assert world.builder.cancelled == {name("a"), name("a", "topic")}
    assert world.handle(late)[0].data["reason"] == "the environment is gone"


def deleting(world: PushWorld) -> Envelope:
    removed = PostgresAppEditor(database=world.database).remove("hello")
    return world.event(
        AppDeleted(app="hello", hosts=(), environments=removed.environments, builds=removed.builds), "x1"
    )


def test_a_deleted_app_cancels_builds_that_were_deleted_with_it(world: PushWorld) -> None:
    world.handle(requested(world, "p1", "a"))
    world.handle(requested(world, "p2", "b", branch="topic"))
    world.handle(world.ended(name("b", "topic"), "succeeded", letter="b"))
    deleted = deleting(world)
    assert world.rows("select * from builds") == []

    world.handle(deleted)

    assert world.builder.cancelled == {name("a")}


def test_a_late_deletion_spares_the_builds_of_a_new_app_of_the_same_name(world: PushWorld) -> None:
    world.handle(requested(world, "p1", "a"))
    world.handle(requested(world, "p2", "c", branch="topic"))
    deleted = deleting(world)
    world.app()
    world.handle(requested(world, "p3", "a"))

    world.handle(deleted)

    assert world.builder.cancelled == {name("c", "topic")}
    assert world.push_states() == {("p3", "hello"): "building"}


def test_a_build_cancelled_before_its_order_reached_the_builder_is_ordered_and_cancelled(world: PushWorld) -> None:
    request = requested(world, "p1", "a")
    world.fuse.set(2)  # the order is recorded, the builder not called
    world.database.run("select 1")
    with pytest.raises(Exception, match="interrupted"):
        world.handle(request)
    assert not world.builder.orders
    world.handle(requested(world, "p2", "b"))

    world.handle(request)

    assert world.builder.cancelled == {name("a")}
