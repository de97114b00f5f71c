"""A push whose webhook was lost is found at the forge."""

from datetime import timedelta

from functions.common.events.envelope import Envelope
from functions.common.events.push import BranchDeleted, PushReceived
from tests.functions.reconcile.ticker import Ticker
from tests.world import REPOSITORY, World

ZEROS = "0" * 40


def read_twice(world: World, ticker: Ticker) -> list[Envelope]:
    """Tick, wait until a webhook is overdue, tick again; return the events that were sent."""
    sent = ticker.tick("heads")
    world.age("forge_heads", "since", timedelta(minutes=1))
    return sent + ticker.tick("heads")


def received(world: World) -> list[tuple[str, str, str]]:
    return [(push.branch, push.before, push.after) for push in world.sink.of(PushReceived)]


def test_at_the_first_read_only_apps_without_a_push_get_the_head(world: World, ticker: Ticker) -> None:
    ticker.forge.branches[REPOSITORY] = {"main": "m1", "topic": "t1"}
    (sent,) = read_twice(world, ticker)
    assert received(world) == [("main", ZEROS, "m1")]
    (push,) = world.sink.of(PushReceived)
    assert push.push == sent.id == sent.extensions["slipwaypush"]
    assert (push.provider, push.delivery, push.repository.full_name) == ("reconcile", "reconcile-m1", "team/hello")
    assert push.repository.urls == (f"https://{REPOSITORY}.git",)
    assert ticker.tick("heads") == []


def test_at_the_first_read_an_app_with_older_pushes_gets_the_head(world: World, ticker: Ticker) -> None:
    world.push("m0")
    ticker.forge.branches[REPOSITORY] = {"main": "m1", "topic": "t1"}
    assert len(read_twice(world, ticker)) == 1
    assert received(world) == [("main", ZEROS, "m1")]


def test_an_app_with_pushes_in_another_repository_keeps_its_release(world: World, ticker: Ticker) -> None:
    world.push("m0")
    world.database.run("update pushes set repository = 'git.example.org/team/former'")
    ticker.forge.branches[REPOSITORY] = {"main": "m1"}
    assert read_twice(world, ticker) == []


def seen(world: World, ticker: Ticker, **branches: str) -> None:
    world.push(branches["main"])
    ticker.forge.branches[REPOSITORY] = dict(branches)
    ticker.tick("heads")


def test_later_a_moved_and_a_new_branch_are_pushes_with_their_own_ids(world: World, ticker: Ticker) -> None:
    seen(world, ticker, main="m1")
    ticker.forge.branches[REPOSITORY] = {"main": "m2", "topic": "t1"}
    first = read_twice(world, ticker)
    assert received(world) == [("main", "m1", "m2"), ("topic", ZEROS, "t1")]
    world.database.run("update forge_heads set settled = 'm1' where branch = 'main'")
    again = read_twice(world, ticker)
    assert [sent.id for sent in again] == [first[0].id]


def test_a_push_that_arrived_by_webhook_is_not_published_again(world: World, ticker: Ticker) -> None:
    seen(world, ticker, main="m1")
    world.push("m2")
    world.age("pushes", "received_at", timedelta(days=1))
    ticker.forge.branches[REPOSITORY] = {"main": "m2"}
    assert read_twice(world, ticker) == []


def test_a_webhook_that_arrives_after_the_first_read_is_in_time(world: World, ticker: Ticker) -> None:
    seen(world, ticker, main="m1")
    ticker.forge.branches[REPOSITORY] = {"main": "m2"}
    assert ticker.tick("heads") == []
    world.age("forge_heads", "since", timedelta(minutes=1))
    world.push("m2")
    assert ticker.tick("heads") == []


def test_the_time_for_a_webhook_begins_when_the_head_is_first_read(world: World, ticker: Ticker) -> None:
    seen(world, ticker, main="m1")
    ticker.forge.branches[REPOSITORY] = {"main": "m2"}
    ticker.tick("heads")
    world.age("forge_heads", "since", timedelta(minutes=1))
    ticker.forge.branches[REPOSITORY] = {"main": "m3"}
    assert ticker.tick("heads") == []
    assert len(read_twice(world, ticker)) == 1
    assert received(world) == [("main", "m1", "m3")]


def test_a_recent_delivery_of_the_head_is_waited_for(world: World, ticker: Ticker) -> None:
    seen(world, ticker, main="m1")
    world.database.run(
        "insert into webhook_deliveries (provider, delivery_id, kind, headers, body, outcome, sha) "
        "values ('forgejo', '1', 'push', '{}', '', 'accepted', 'm2')"
    )
    ticker.forge.branches[REPOSITORY] = {"main": "m2"}
    assert read_twice(world, ticker) == []
    ticker.forge.branches[REPOSITORY] = {"main": "m3"}
    assert len(read_twice(world, ticker)) == 1


def test_a_branch_that_disappeared_is_deleted(world: World, ticker: Ticker) -> None:
    seen(world, ticker, main="m1", topic="t1")
    ticker.forge.branches[REPOSITORY] = {"main": "m1"}
    ticker.tick("heads")
    assert [event.branch for event in world.sink.of(BranchDeleted)] == ["topic"]
    assert ticker.tick("heads") == []


def test_an_unreadable_repository_loses_nothing(world: World, ticker: Ticker) -> None:
    seen(world, ticker, main="m1")
    del ticker.forge.branches[REPOSITORY]
    assert ticker.tick("heads") == []
    ticker.forge.branches[REPOSITORY] = {"main": "m2"}
    read_twice(world, ticker)
    assert received(world) == [("main", "m1", "m2")]


def test_an_event_that_could_not_be_sent_is_sent_at_the_next_tick(world: World, ticker: Ticker) -> None:
    seen(world, ticker, main="m1")
    ticker.forge.branches[REPOSITORY] = {"main": "m2"}
    world.sink.down = True
    assert read_twice(world, ticker) == []
    world.sink.down = False
    assert len(ticker.tick("heads")) == 1


def test_a_repository_of_two_apps_gives_one_push(world: World, ticker: Ticker) -> None:
    world.app("second")
    ticker.forge.branches[REPOSITORY] = {"main": "m1"}
    assert len(read_twice(world, ticker)) == 1
