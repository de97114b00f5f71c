"""What a statement read before it waited for a lock is compared again before anything is written."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.releases import PostgresReleaseLedger, PostgresReleaseProgress
from functions.common.domain.build import BuildOrder, BuildResult, BuildState
from functions.common.domain.push import PushState
from functions.common.domain.release import ReleaseKind, ReleaseState
from functions.common.ports.builds import BuildStart
from functions.common.ports.releases import Proposal, StartedRelease
from tests.contract.ledger_worlds import Ledgers, a_push, opened

T = TypeVar("T")
THE_ENVIRONMENT = "select from environments where name = 'production' for update"
THE_BUILD = "select from builds where name = 'b-a' for update"
ENDED = "update builds set state = 'succeeded', digest = 'sha256:1', image = 'r' where name = 'b-a'"


class Race:
    """Ledgers, and a second session that locks a row until the calls under test wait for it."""

    def __init__(self, url: str) -> None:
        self.url, self.world = url, opened(Ledgers(url))

    @contextmanager
    def waiting_for(self, lock: str, *calls: Callable[[], T]) -> Iterator[tuple[Postgres, list[T]]]:
        """Hold the lock for the block, with all calls waiting for it; their results are there after the block."""
        other, results = Postgres(self.url), list[T]()
        with ThreadPoolExecutor(len(calls)) as threads:
            with other.transaction():
                other.run(lock)
                running = [threads.submit(call) for call in calls]
                while self._waiting() < len(calls):
                    time.sleep(0.01)
                yield other, results
            results += [one.result() for one in running]
        other.close()

    def _waiting(self) -> int:
        sql = "select count(*) from pg_stat_activity where usename = current_user and wait_event_type = 'Lock'"
        return int(self.world.database.run(sql)[0][0])

    def begin(self, push: str, letter: str, sequence: int) -> BuildStart:
        """Begin the build of a push of production."""
        order = BuildOrder(
            name=f"b-{letter}", app="hello", environment="production", push=push,
            clone_url="https://x/y", ref="refs/heads/main", sha=letter * 40,
        )  # fmt: skip
        return self.world.builds.begin(order, repository="team/hello", sequence=sequence)

    def superseded(self) -> list[str]:
        """Return the ids of superseded pushes."""
        return [
            row[0] for row in self.world.database.run("select id from pushes where state = 'superseded' order by 1")
        ]


@pytest.fixture
def race(database: str) -> Iterator[Race]:
    race = Race(database)
    yield race
    race.world.database.close()


@pytest.fixture
def running(race: Race) -> Race:
    """Return a race in which the build of push p1 runs and push p3 of the same commit was admitted."""
    race.world.pushes.admit(a_push("p1", "a"))
    race.begin("p1", "a", 1)
    race.world.pushes.admit(a_push("p2", "b"))
    race.world.pushes.admit(a_push("p3", "a"))
    return race


def test_pushes_that_waited_for_one_environment_get_different_sequences(race: Race) -> None:
    admit = race.world.pushes.admit
    with race.waiting_for(THE_ENVIRONMENT, lambda: admit(a_push("p1", "a")), lambda: admit(a_push("p2", "b"))) as (
        _,
        pushes,
    ):
        pass

    assert sorted(push.sequence for push in pushes) == [1, 2]


def test_a_push_that_waited_is_a_duplicate_of_one_that_was_admitted_meanwhile(race: Race) -> None:
    admit = race.world.pushes.admit
    with race.waiting_for(THE_ENVIRONMENT, lambda: admit(a_push("p1", "a")), lambda: admit(a_push("p2", "a"))) as (
        _,
        pushes,
    ):
        pass

    assert sorted((push.sequence, push.state.value) for push in pushes) == [(0, "ignored"), (1, "received")]


def test_a_build_that_ended_meanwhile_is_used_and_not_taken_over(running: Race) -> None:
    with running.waiting_for(THE_BUILD, lambda: running.begin("p3", "a", 3)) as (other, starts):
        other.run(ENDED)

    build = starts[0].build
    assert build
    assert (build.push, build.state, bool(build.image)) == ("p1", BuildState.SUCCEEDED, True)
    assert (starts[0].adopted, running.superseded()) == ((), [])


def test_a_build_that_is_being_cancelled_meanwhile_is_not_taken_over(running: Race) -> None:
    with running.waiting_for(THE_BUILD, lambda: running.begin("p3", "a", 3)) as (other, starts):
        other.run("update builds set superseded_by = 'p2' where name = 'b-a'")

    build = starts[0].build
    assert build
    assert (build.name, build.push, starts[0].adopted) == ("b-a-r2", "p3", ())


def test_a_build_that_another_push_took_over_meanwhile_is_taken_from_that_push(running: Race) -> None:
    running.world.database.run(
        "insert into pushes (id, app, environment, repository, ref, sha, sequence, state) "
        "values ('p9', 'hello', 'production', 'r', 'refs/heads/main', :sha, 2, 'building')",
        sha="a" * 40,
    )
    with running.waiting_for(THE_BUILD, lambda: running.begin("p3", "a", 3)) as (other, starts):
        other.run("update builds set push = 'p9' where name = 'b-a'")

    assert (starts[0].adopted, running.superseded()) == (("p9",), ["p9"])


def test_the_first_of_two_concurrent_ends_of_a_build_counts(running: Race) -> None:
    failed = BuildResult(name="b-a", state=BuildState.FAILED, step="run", reason="no")
    with running.waiting_for(THE_BUILD, lambda: running.world.builds.end(failed)) as (other, ends):
        other.run(ENDED)

    ended = ends[0]
    assert ended
    assert (ended.build.state, ended.build.step) == (BuildState.SUCCEEDED, "")


def test_a_push_that_ended_meanwhile_is_not_moved(race: Race) -> None:
    race.world.pushes.admit(a_push("p1", "a"))
    advance = race.world.pushes.advance
    with race.waiting_for("select from pushes for update", lambda: advance("p1", "hello", PushState.BUILDING)) as (
        other,
        moved,
    ):
        other.run("update pushes set state = 'failed', ended_at = now()")

    assert moved == [False]
    assert race.world.history.recorded("p1")[0].state is PushState.FAILED


def test_a_release_that_ended_meanwhile_stays_ended(race: Race) -> None:
    proposal = Proposal(
        cause="c", app="hello", environment="production", kind=ReleaseKind.CONFIG, digest="d", image="i",
        processes={}, sha="a",
    )  # fmt: skip
    assert isinstance(PostgresReleaseLedger(database=race.world.database).begin(proposal), StartedRelease)
    progress = PostgresReleaseProgress(database=race.world.database)
    with race.waiting_for(
        "select from releases for update", lambda: progress.finish("hello", "production", 1, ReleaseState.FAILED)
    ) as (other, seen):
        other.run("update releases set state = 'live', ended_at = now()")

    observed = seen[0]
    assert observed
    assert observed.release.state is ReleaseState.LIVE
    assert race.world.database.run("select deployment_status from projects") == [["none"]]
