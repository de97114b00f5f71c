"""Invariant 4, ends: every push reaches exactly one final state, and final states do not change."""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.pushes import PostgresPushLedger
from functions.common.domain.push import FINAL_STATES, Push, PushState
from functions.common.events.envelope import Envelope
from functions.common.events.push import BranchDeleted, Repository
from tests.push_world import URL, PushWorld, sha

ENDS = sorted(FINAL_STATES)
A_PUSH = Push(
    id="p1",
    app="hello",
    environment="production",
    repository="r",
    ref="refs/heads/main",
    before="",
    sha=sha("a"),
)
ORDER = [PushState.RECEIVED, PushState.BUILDING, PushState.RELEASING]


@pytest.fixture
def world(database: str) -> Iterator[PushWorld]:
    world = PushWorld(database)
    yield world
    world.database.close()


def admitted(world: PushWorld, state: PushState) -> PostgresPushLedger:
    world.app()
    world.database.run(
        "insert into environments (app, name, branch, label) values ('hello', 'production', 'main', 'hello')"
    )
    ledger = PostgresPushLedger(database=world.database)
    ledger.admit(A_PUSH)
    ledger.advance("p1", "hello", state, step="first", reason="first")
    return ledger


def test_invariant_04_a_final_state_never_changes(database: str) -> None:
    for end in ENDS:
        world = PushWorld(database)
        world.database.run("truncate projects, environments, pushes cascade")
        ledger = admitted(world, end)
        row = world.rows("select * from pushes")
        for state in PushState:
            assert not ledger.advance("p1", "hello", state, step="second", reason="second")
            assert world.rows("select * from pushes") == row
        world.database.close()


def test_invariant_04_a_push_only_moves_forward(database: str) -> None:
    for now, then in product(ORDER, ORDER):
        world = PushWorld(database)
        world.database.run("truncate projects, environments, pushes cascade")
        ledger = admitted(world, now)
        assert ledger.advance("p1", "hello", then) == (ORDER.index(then) > ORDER.index(now))
        world.database.close()


def test_invariant_04_a_recorded_end_is_unchanged(world: PushWorld) -> None:
    ledger = admitted(world, PushState.LIVE)
    again = replace(A_PUSH, state=PushState.IGNORED)
    assert ledger.record(again, code="no-app").state is PushState.LIVE
    assert ledger.admit(again).state is PushState.LIVE


class Story:
    """Pushes to three branches of two apps; deliveries wait in a pool and come in any order, some of them often."""

    def __init__(self, world: PushWorld, seed: int) -> None:
        self.world, self.dice = world, random.Random(seed)  # noqa: S311 - a test's
        self.pool: list[Envelope] = []
        self.pushes: set[str] = set()

    def push(self, branch: str, number: int, letters: str) -> None:
        """Move a branch's head on; its delivery comes three times."""
        before, after = letters[number - 1] if number else "", letters[number]
        self.world.head(after, branch)
        self.pool += [self.world.pushed(f"{branch}-{number}", after, before=before, branch=branch)] * 3
        self.pushes.add(f"{branch}-{number}")

    def delete(self, branch: str) -> None:
        """Delete a branch; the delivery comes twice."""
        repository = Repository(full_name="team/hello", urls=(URL,))
        gone = BranchDeleted(provider="forgejo", delivery="x", push="x", branch=branch, repository=repository)
        self.world.head("", branch)
        self.pool += [self.world.event(gone, "x")] * 2

    def deliver_one(self) -> None:
        """Deliver any of what waits, interrupted anywhere or not at all."""
        if self.pool:
            self.world.fuse.set(self.dice.choice([0, 0, *range(1, 12)]))
            self.pool += self.world.deliver(self.pool.pop(self.dice.randrange(len(self.pool))))

    def end_one(self) -> None:
        """Report the end of any build as a builder would: cancelled if it was asked to, mostly."""
        if self.world.builder.orders:
            self._end(self.dice.choice(list(self.world.builder.orders)))

    def finish(self) -> None:
        """Deliver all that waits and end all builds."""
        while self.pool:
            self.deliver_one()
        for name in list(self.world.builder.orders):
            self._end(name)
        while self.pool:
            self.deliver_one()

    def _end(self, name: str) -> None:
        stopped = name in self.world.builder.cancelled and self.dice.random() < 0.8
        end = "cancelled" if stopped else self.dice.choice(["succeeded", "failed"])
        letter = self.world.builder.orders[name].sha[0] if end == "succeeded" else ""
        self.pool.append(self.world.ended(name, end, letter=letter))


@pytest.mark.parametrize("seed", range(8))
def test_invariant_04_every_push_ends_once_in_any_order(database: str, seed: int) -> None:
    world = PushWorld(database)
    for name in ("hello", "second"):
        world.app(name)
    story = Story(world, seed)
    branches = {branch: "".join(story.dice.choice("abc") for _ in range(5)) for branch in ("main", "one", "two")}
    for number in range(5):
        for branch, letters in branches.items():
            story.push(branch, number, letters)
            for _ in range(story.dice.randrange(6)):
                story.deliver_one()
            if story.dice.random() < 0.3:
                story.end_one()
    story.delete("two")
    story.finish()
    _release_all(world)

    assert {push for push, _ in world.push_states()} == story.pushes
    assert set(world.push_states().values()) <= {end.value for end in ENDS}, world.push_states()
    _each_has_one_end(world)
    world.database.close()


def _release_all(world: PushWorld) -> None:
    """Do what promote-image and track-release do with a published image: the newest goes live."""
    ledger = PostgresPushLedger(database=world.database)
    for event in world.published:
        if event.type == "dev.slipway.image.published.v1":
            ledger.advance(event.data["push"], event.data["app"], PushState.LIVE)


def _each_has_one_end(world: PushWorld) -> None:
    ends: dict[tuple[str, str], set[str]] = {}
    for event in world.published:
        if event.type.endswith((".ignored.v1", ".superseded.v1", ".failed.v1", ".published.v1")):
            ends.setdefault((event.data["push"], event.data["app"]), set()).add(event.type)
    assert all(len(types) == 1 for types in ends.values()), ends
    assert set(ends) == set(world.push_states())


def test_invariant_04_postgres_rejects_unknown_states(database: str) -> None:
    with pytest.raises(Exception, match="pushes_state_check"):
        Postgres(database).run(
            "insert into pushes (id, repository, ref, sha, state) values ('p', 'r', 'r', 's', 'lost')"
        )
