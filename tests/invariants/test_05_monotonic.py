"""Invariant 5, monotonic: an older push never replaces a newer release, however late its build ends."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from functions.common.domain.push import Push, PushState
from functions.common.domain.release import ReleaseState
from functions.common.events.release import ReleaseSuperseded
from tests.functions.promote_image.promoter import Promoter
from tests.world import World

ABREAST, ROUNDS = 6, 10
ORDERS = list(itertools.permutations(range(3)))


@pytest.fixture
def promoter(world: World, tmp_path: Path) -> Promoter:
    return Promoter(world, tmp_path / "images")


def end(world: World, release: int, state: str) -> None:
    sql = "update releases set state = :state, ended_at = now() where number = :number"
    world.database.run(sql, state=state, number=release)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "".join(map(str, order)))
def test_invariant_05_builds_that_end_in_any_order_leave_the_newest_push(
    world: World, promoter: Promoter, order: tuple[int, ...]
) -> None:
    pushes = [world.push(name) for name in ("a", "b", "c")]
    for number in order:
        promoter.promote(pushes[number])
    wanted = world.wanted()
    assert wanted is not None
    assert wanted["sha"] == "c"
    numbers = world.database.run("select sequence from releases order by number")
    assert numbers == sorted(numbers)
    assert [world.state(push.id) for push in pushes] == [
        PushState.SUPERSEDED,
        PushState.SUPERSEDED,
        PushState.RELEASING,
    ]


@pytest.mark.parametrize("state", [ReleaseState.LIVE, ReleaseState.FAILED])
def test_invariant_05_an_older_push_is_superseded_whatever_happened_to_the_newer(
    world: World, promoter: Promoter, state: ReleaseState
) -> None:
    older, newer = world.push("a"), world.push("b")
    promoter.promote(newer)
    end(world, 1, state.value)
    late = promoter.promote(older)
    assert isinstance(late, ReleaseSuperseded)
    assert late.reason == "a newer push was released first"
    assert [number for number, _, _ in world.releases()] == [1]
    wanted = world.wanted()
    assert wanted is not None
    assert wanted["sha"] == "b"


def test_invariant_05_an_older_push_does_not_undo_a_rollback(world: World, promoter: Promoter) -> None:
    first, older, newer = world.push("a"), world.push("b"), world.push("c")
    promoter.promote(first)
    end(world, 1, "live")
    promoter.promote(newer)
    promoter.roll_back(1)
    assert isinstance(promoter.promote(older), ReleaseSuperseded)
    wanted = world.wanted()
    assert wanted is not None
    assert (wanted["sha"], wanted["release"]) == ("a", 3)


def test_invariant_05_concurrent_builds_leave_the_newest_push(world: World, tmp_path: Path) -> None:
    worlds = [World(world.url) for _ in range(ABREAST)]
    for each in worlds:
        each.database.run("select 1")  # connected before they start together
    promoters = [Promoter(each, tmp_path / "images") for each in worlds]
    start = Barrier(ABREAST)

    def promote(promoter: Promoter, push: Push) -> None:
        start.wait()
        promoter.promote(push)

    with ThreadPoolExecutor(ABREAST) as pool:
        for turn in range(ROUNDS):
            pushes = [world.push(f"push-{turn}-{number}") for number in range(ABREAST)]
            list(pool.map(promote, promoters, reversed(pushes)))
            wanted = world.wanted()
            assert wanted is not None
            assert wanted["sha"] == pushes[-1].sha
    numbers = world.database.run("select sequence from releases order by number")
    assert numbers == sorted(numbers)
