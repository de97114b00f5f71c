"""Workloads of deleted apps are found."""

from dataclasses import replace

from functions.common.domain.release import Workload
from functions.common.events.app import AppDeleted
from tests.functions.reconcile.ticker import Ticker
from tests.world import World

HELLO = Workload(
    app="hello",
    environment="production",
    label="hello",
    hosts=("hello.apps.example.org",),
    release=3,
    push="p",
    sha="s",
    digest="d",
    image="i",
    processes={},
    config={},
)


def test_a_workload_without_its_environment_is_published_as_deleted_until_it_is_removed(
    world: World, ticker: Ticker
) -> None:
    for workload in (HELLO, replace(HELLO, environment="topic"), replace(HELLO, app="gone")):
        world.deployer.apply(workload)
    for _ in range(2):
        ticker.tick("strays")
    deleted = [(event.app, event.environments) for event in world.sink.of(AppDeleted)]
    assert deleted == [("gone", ("production",)), ("hello", ("topic",))] * 2

    world.deployer.remove("gone", "production", through=3)
    world.deployer.remove("hello", "topic", through=3)
    assert ticker.tick("strays") == []


def test_a_workload_of_a_deleted_app_is_found_when_a_new_app_has_its_name(world: World, ticker: Ticker) -> None:
    world.deployer.apply(HELLO)
    assert ticker.tick("strays") == []
    world.database.run("insert into release_floors values ('hello', 'production', 3)")
    ticker.tick("strays")

    assert [event.environments for event in world.sink.of(AppDeleted)] == [("production",)]
