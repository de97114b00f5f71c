"""Deliveries that arrive in any order: a head whose push was handled is no new push, one that came back is."""

import random
from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from functions.common.adapters.postgres.apps import PostgresAppEditor
from functions.common.events.envelope import Envelope
from functions.common.events.push import BranchDeleted, PullRequestClosed, PushReceived, Repository
from tests.functions.reconcile.ticker import Ticker
from tests.push_world import URL, PushWorld, sha
from tests.world import World

Kind = dict[str, Any]  # fields of a push that the filters of the app look at
SKIP: Kind = {"message": "words [skip ci]"}
DOCS: Kind = {"changed": ("docs/x",), "complete": True}
CODE: Kind = {"changed": ("web/x",), "complete": True}
KINDS = {
    "all built": (CODE, CODE, CODE),
    "first skipped": (SKIP, CODE, CODE),
    "second skipped": (CODE, SKIP, CODE),
    "last skipped": (CODE, CODE, SKIP),
    "skipped and docs": (CODE, SKIP, DOCS),
    "docs alone": (CODE, DOCS, DOCS),
}
REPOSITORY = Repository(full_name="team/hello", urls=(URL,))
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Forge:
    """The functions that handle pushes, and reconcile beside them, over one database and one forge."""

    def __init__(self, database: str) -> None:
        self.pushes, self.world = PushWorld(database), World(database)
        self.ticker = Ticker(self.world)
        self.ticker.forge.branches = self.pushes.heads.branches
        self.pushes.app(paths=("web/**",))
        self.pushes.head("s")
        self.pushes.run(self.pushed("s", "", **CODE))
        assert self.invented() == []

    def pushed(self, after: str, before: str, *, branch: str = "main", **more: Any) -> Envelope:  # noqa: ANN401 - fields of the event
        """Return the delivery of a push under an id of its own."""
        return self.pushes.pushed(f"{branch}: {before}-{after}", after, before=before, branch=branch, **more)

    def deleted(self, branch: str) -> Envelope:
        """Return the delivery of a branch's deletion."""
        event = BranchDeleted(provider="forgejo", delivery="d", repository=REPOSITORY, branch=branch)
        return self.pushes.event(event, f"{branch} deleted")

    def invented(self) -> list[str]:
        """Let reconcile look twice, with time for a webhook in between, and return the heads it publishes pushes of."""
        already = len(self.world.sink.of(PushReceived))
        self.ticker.tick("heads")
        self.world.age("forge_heads", "since", MINUTE)
        self.ticker.tick("heads")
        return [event.after[0] for event in self.world.sink.of(PushReceived)[already:]]

    def close(self) -> None:
        """Close the connections."""
        self.pushes.database.close()
        self.world.database.close()


@pytest.fixture
def forge(database: str) -> Iterator[Forge]:
    forge = Forge(database)
    yield forge
    forge.close()


def test_a_head_whose_older_push_arrived_after_it_is_not_pushed_again(forge: Forge) -> None:
    older, newer = forge.pushed("a", "s", **CODE), forge.pushed("b", "a", **CODE)
    forge.pushes.head("b")
    forge.pushes.run(newer, older)

    assert forge.pushes.push_states()["main: s-a", "hello"] == "superseded"
    assert forge.invented() == []


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=lambda order: "".join(map(str, order)))
@pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS)
def test_three_pushes_in_any_order_are_all_that_there_are(
    forge: Forge, order: tuple[int, ...], kinds: tuple[Kind, ...]
) -> None:
    pushes = [forge.pushed(after, before, **kind) for after, before, kind in zip("abc", "sab", kinds, strict=True)]
    forge.pushes.head("c")
    forge.pushes.run(*(pushes[number] for number in order))

    assert forge.invented() == []


@pytest.mark.parametrize("order", ["older first", "newer first"])
def test_a_failed_build_of_the_head_is_not_repeated(forge: Forge, order: str) -> None:
    deliveries = [forge.pushed("a", "s", **CODE), forge.pushed("b", "a", **CODE)]
    forge.pushes.head("b")
    forge.pushes.run(*(deliveries if order == "older first" else reversed(deliveries)))
    forge.pushes.database.run("update pushes set state = 'failed', ended_at = now() where sha = :sha", sha=sha("b"))

    assert forge.invented() == []


@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_order_and_the_moment_nothing_is_invented(forge: Forge, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a test's
    pool: list[Envelope] = []
    before = "s"
    for after in "abcdefgh":
        forge.pushes.head(after)
        pool.append(forge.pushed(after, before, **dice.choice([CODE, CODE, SKIP, DOCS])))
        before = after
        while pool and dice.random() < 0.4:
            forge.pushes.run(pool.pop(dice.randrange(len(pool))))
    dice.shuffle(pool)
    forge.pushes.run(*pool)

    assert forge.invented() == []


def test_a_force_push_back_whose_webhook_is_lost_is_a_new_push(forge: Forge) -> None:
    forge.pushes.head("a")
    forge.pushes.run(forge.pushed("a", "s", **CODE))
    forge.pushes.head("s")

    assert forge.invented() == ["s"]


def test_a_force_push_back_after_shuffled_deliveries_is_a_new_push(forge: Forge) -> None:
    forge.pushes.head("b")
    forge.pushes.run(forge.pushed("b", "a", **CODE), forge.pushed("a", "s", **CODE))
    forge.pushes.head("a")

    assert forge.invented() == ["a"]


def test_a_force_push_back_to_a_skipped_commit_is_a_new_push(forge: Forge) -> None:
    forge.pushes.head("b")
    forge.pushes.run(forge.pushed("b", "a", **CODE), forge.pushed("a", "s", **SKIP))
    forge.pushes.head("a")

    assert forge.invented() == ["a"]


def test_each_lost_force_push_back_to_the_same_commit_is_a_push_of_its_own(forge: Forge) -> None:
    for number in range(2):
        forge.pushes.head("a")
        forge.pushes.run(forge.pushes.pushed(f"to a {number}", "a", before="s", **CODE))
        forge.pushes.head("s")
        assert forge.invented() == ["s"]
        forge.pushes.run(forge.world.sink.sent[-1])

    newest = forge.pushes.rows("select sha, sequence from pushes order by sequence desc limit 1")
    assert newest == [{"sha": sha("s"), "sequence": 5}]


def test_a_force_push_back_is_known_in_whatever_order_it_arrives(forge: Forge) -> None:
    forge.pushes.head("s")
    forge.pushes.run(forge.pushed("s", "a", forced=True), forge.pushed("a", "s", **CODE))

    assert forge.invented() == []


def test_a_force_push_back_is_a_new_push_for_an_app_that_had_moved_on_though_another_had_not(forge: Forge) -> None:
    forge.pushes.app("second")
    forge.pushes.head("a")
    forge.pushes.run(forge.pushed("a", "s", **CODE))
    forge.pushes.head("b")
    forge.pushes.run(forge.pushed("b", "a", **DOCS))
    assert forge.invented() == []
    forge.pushes.head("a")

    assert forge.invented() == ["a"]


def test_apps_with_other_paths_do_not_make_a_handled_head_unknown(forge: Forge) -> None:
    forge.pushes.app("second")
    forge.pushes.head("b")
    forge.pushes.run(forge.pushed("b", "a", **DOCS), forge.pushed("a", "s", **CODE))

    assert forge.invented() == []


def test_shuffled_pushes_that_no_app_matched_stay_as_they_are(forge: Forge) -> None:
    forge.pushes.database.run("delete from projects")
    forge.pushes.head("b")
    forge.pushes.run(forge.pushed("b", "a", **CODE), forge.pushed("a", "s", **CODE))
    forge.pushes.app()
    forge.pushes.database.run("delete from pushes where app <> ''")

    assert forge.invented() == []


def test_an_app_that_moved_to_another_repository_does_not_count(forge: Forge) -> None:
    forge.pushes.app("second")
    forge.pushes.head("a")
    forge.pushes.run(forge.pushed("a", "s", **CODE))
    forge.pushes.database.run("update projects set git_key = 'forge.example.org/team/other' where name = 'second'")
    forge.pushes.head("s")
    forge.pushes.run(forge.pushed("s", "a", forced=True))

    assert forge.invented() == []


def test_a_branch_that_was_deleted_and_made_again_is_a_new_push(forge: Forge) -> None:
    forge.pushes.head("t", "topic")
    forge.pushes.run(forge.pushed("t", "", branch="topic"))
    assert forge.invented() == []
    forge.pushes.head("", "topic")
    forge.pushes.run(forge.deleted("topic"))
    assert forge.invented() == []
    forge.world.age("pushes", "received_at", HOUR)
    forge.pushes.head("t", "topic")

    assert forge.invented() == ["t"]
    forge.pushes.run(forge.world.sink.sent[-1])
    assert forge.pushes.rows("select state from environments where name = 'topic'") == [{"state": "open"}]


def test_a_branch_that_was_made_again_is_known_by_the_webhook_that_says_so(forge: Forge) -> None:
    forge.pushes.head("t", "topic")
    forge.pushes.run(forge.pushed("t", "", branch="topic"))
    forge.invented()
    forge.pushes.head("", "topic")
    forge.invented()
    forge.world.age("pushes", "received_at", HOUR)
    forge.pushes.head("t", "topic")
    again = forge.pushes.pushed("again", "t", branch="topic")
    forge.pushes.run(again, forge.deleted("topic"))

    assert forge.invented() == []


def test_a_new_branch_is_known_by_the_push_that_came_before_its_first_read(forge: Forge) -> None:
    forge.world.age("forge_repositories", "read_at", MINUTE)
    forge.pushes.head("t", "topic")
    forge.pushes.run(forge.pushed("t", "", branch="topic"))

    assert forge.invented() == []


def test_a_push_that_found_its_branch_gone_does_not_count_for_one_made_again(forge: Forge) -> None:
    forge.pushes.run(forge.pushed("t", "", branch="topic"))
    assert forge.pushes.push_states()["topic: -t", "hello"] == "ignored"
    forge.pushes.head("t", "topic")

    assert forge.invented() == ["t"]


def test_a_closed_pull_request_does_not_make_its_branch_a_new_push(forge: Forge) -> None:
    forge.pushes.head("t", "topic")
    closed = PullRequestClosed(
        provider="forgejo", delivery="c", repository=REPOSITORY, branch="topic", number=1, sha=sha("t"), target="main"
    )
    forge.pushes.run(forge.pushed("t", "", branch="topic"), forge.pushes.event(closed, "closed"))
    forge.world.age("forge_repositories", "read_at", MINUTE)

    assert forge.invented() == []


def test_each_deletion_of_the_production_branch_is_recorded(forge: Forge) -> None:
    for _ in range(2):
        forge.pushes.head("")
        forge.ticker.tick("heads")
        (deletion,) = forge.world.sink.of(BranchDeleted)[-1:]
        assert deletion.branch == "main"
        forge.pushes.run(forge.world.sink.sent[-1])
        forge.pushes.head("s")
        forge.invented()

    codes = forge.pushes.rows(
        "select count(distinct id) as count from pushes where code = 'branch-deleted' and id <> ''"
    )
    assert codes == [{"count": 2}]


def test_a_new_app_of_the_same_name_starts_with_the_head(forge: Forge) -> None:
    PostgresAppEditor(database=forge.pushes.database).remove("hello")
    forge.pushes.database.run("delete from forge_repositories")
    forge.pushes.app()

    assert forge.invented() == ["s"]
