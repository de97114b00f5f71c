"""The contracts of AppDirectory, PushLedger, PushHistory, BuildLedger and Environments."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from functions.common.domain.build import APP_DELETED, PREVIEW_CLOSED, BuildOrder, BuildResult, BuildState, Image
from functions.common.domain.environment import preview, production
from functions.common.domain.push import PushState
from functions.common.errors import Unavailable
from functions.common.ports.builds import BuildStart
from functions.common.ports.pushes import BaseState
from tests.contract.ledger_worlds import KEY, Ledgers, a_push, opened

ENDED = BuildResult(name="b-a", state=BuildState.SUCCEEDED, image=Image(digest="sha256:1", reference="r"))


@pytest.fixture
def world(database: str) -> Ledgers:
    return Ledgers(database)


def begun(world: Ledgers, identity: str, letter: str, root: str = "") -> BuildStart:
    push = world.pushes.admit(a_push(identity, letter))
    order = BuildOrder(
        name=f"b-{letter}{root}",
        app="hello",
        environment="production",
        push=identity,
        clone_url="https://x/y",
        ref=push.ref,
        sha=push.sha,
        root=root,
    )
    return world.builds.begin(order, repository="team/hello", sequence=push.sequence)


def test_a_commit_is_built_again_in_another_folder(world: Ledgers) -> None:
    opened(world)

    def in_folder(identity: str, root: str) -> BuildStart:
        world.database.run("update projects set root = :root", root=root)
        found = begun(world, identity, "a", root=root)
        assert found.build is not None
        return found

    in_folder("p1", "")
    world.builds.end(ENDED)
    other = in_folder("p2", "web").build
    assert other
    assert (other.name, other.state) == ("b-aweb", BuildState.RUNNING)
    third = in_folder("p3", "api")
    assert third.build
    assert (third.build.name, third.cancel) == ("b-aapi", ("b-aweb",))


def test_apps_are_found_by_repository(world: Ledgers) -> None:
    world.add("web")
    world.add("api", f"ssh://git@{KEY}")
    world.add("other", "https://forge.example.org/team/other")
    world.add("none", "")

    assert [app.name for app in world.apps.by_repository(KEY, "mirror.example.org/x")] == ["api", "web"]
    assert [app.name for app in world.apps.by_repository("forge.example.org/team/other", KEY)] == [
        "api",
        "other",
        "web",
    ]
    assert world.apps.by_repository("") == ()


def test_a_repository_belongs_to_the_app_it_was_created_for(world: Ledgers) -> None:
    world.add("web", repository="web")
    world.add("api")

    owning = world.apps.owning("web")
    assert owning is not None
    assert owning.name == "web"
    assert world.apps.owning("api") is None
    assert world.apps.owning("") is None


def test_an_environment_is_new_until_a_push_is_admitted(world: Ledgers) -> None:
    world.add("hello")
    topic = preview("hello", "topic")
    assert world.environments.open(topic) == world.environments.open(topic)
    assert world.environments.open(topic).is_new

    world.pushes.admit(a_push("p1", "a", environment=topic.name))

    assert not world.environments.open(topic).is_new
    assert [e.label for e in world.environments.close_previews(["hello"], "topic")] == [topic.label]
    assert world.environments.open(topic).is_new


def test_only_previews_of_the_branch_are_closed(world: Ledgers) -> None:
    opened(world)
    for branch in ("main", "topic", "other"):
        world.environments.open(preview("hello", branch))

    assert [e.name for e in world.environments.close_previews(["hello", "nobody"], "topic")] == ["topic"]
    assert [e.name for e in world.environments.close_previews(["hello"], "topic")] == ["topic"]
    assert [e.name for e in world.environments.close_previews(["hello"], "main")] == ["main"]
    assert world.environments.close_previews(["nobody"], "other") == ()


def test_production_follows_the_apps_branch(world: Ledgers) -> None:
    opened(world)
    assert world.environments.open(production("hello", "trunk")).environment.branch == "trunk"


def test_a_name_that_another_branch_has_is_not_shared(world: Ledgers) -> None:
    world.add("hello")
    first = world.environments.open(preview("hello", "feat/x")).environment
    second = world.environments.open(preview("hello", first.name)).environment

    assert second.name != first.name
    assert world.environments.open(preview("hello", first.name)).environment == second


def test_pushes_are_numbered_and_a_repeat_is_the_recorded_one(world: Ledgers) -> None:
    opened(world)
    first, second = world.pushes.admit(a_push("p1", "a")), world.pushes.admit(a_push("p2", "b"))

    assert (first.sequence, second.sequence, first.state) == (1, 2, PushState.RECEIVED)
    assert world.pushes.admit(a_push("p1", "c")) == first
    assert world.history.recorded("p1") == (first,)


@pytest.mark.parametrize("lost", [PushState.FAILED, PushState.SUPERSEDED])
def test_a_second_push_of_a_commit_is_a_duplicate(world: Ledgers, lost: PushState) -> None:
    opened(world)
    world.pushes.admit(a_push("p1", "a"))
    world.pushes.advance("p1", "hello", PushState.LIVE)
    world.pushes.admit(a_push("p2", "b"))
    world.pushes.advance("p2", "hello", lost)

    again = world.pushes.admit(a_push("p3", "a"))

    assert (again.state, again.code, again.sequence) == (PushState.IGNORED, "duplicate", 0)
    assert "p1" in again.reason
    assert world.pushes.admit(a_push("p4", "b")).sequence == 3


def test_a_commit_that_was_ignored_before_is_no_duplicate(world: Ledgers) -> None:
    opened(world)
    world.pushes.record(replace(a_push("p1", "a"), state=PushState.IGNORED), code="skip-ci")

    assert world.pushes.admit(a_push("p2", "a")).sequence == 1


def test_a_push_without_its_environment_is_unavailable(world: Ledgers) -> None:
    world.add("hello")
    with pytest.raises(Unavailable, match="is deleted"):
        world.pushes.admit(a_push("p1", "a"))
    world.remove("hello")
    with pytest.raises(Unavailable, match="deleted"):
        world.environments.open(production("hello", "main"))


def test_sequences_continue_after_an_app_was_created_again(world: Ledgers) -> None:
    opened(world)
    world.pushes.admit(a_push("p1", "a"))
    world.remove("hello")
    opened(world)
    assert world.pushes.admit(a_push("p2", "a")).sequence == 2


def test_a_final_push_is_recorded_once(world: Ledgers) -> None:
    ignored = replace(a_push("p1", "a"), state=PushState.IGNORED, reason="words")
    first = world.pushes.record(ignored, code="paths")
    assert (first.code, first.reason, first.sequence) == ("paths", "words", 0)
    assert world.pushes.record(replace(ignored, reason="others"), code="x") == first
    assert not world.pushes.advance("p1", "hello", PushState.BUILDING)
    assert not world.pushes.advance("p1", "nobody", PushState.BUILDING)


def test_lineage_has_the_state_of_the_base(world: Ledgers) -> None:
    opened(world)
    push = a_push("p3", "c", before="b")
    assert world.history.lineage(push, "").base is BaseState.FIRST
    world.pushes.admit(a_push("p1", "a"))
    assert world.history.lineage(push, "").base is BaseState.UNKNOWN
    world.pushes.record(replace(a_push("p2", "b", before="a"), state=PushState.SUPERSEDED))
    assert world.history.lineage(push, "").base is BaseState.DROPPED
    assert world.history.lineage(a_push("p2", "b", before="a"), "").base is BaseState.HANDLED


def test_lineage_finds_later_pushes_through_ignored_ones(world: Ledgers) -> None:
    opened(world)
    push = a_push("p1", "b", before="a")
    world.pushes.record(replace(a_push("p2", "c", before="b"), state=PushState.IGNORED), code="skip-ci")
    assert world.history.lineage(push, "c" * 40).head_ignored
    assert not world.history.lineage(push, "c" * 40).overtaken
    world.pushes.admit(a_push("p3", "d", before="c"))
    assert world.history.lineage(push, "").overtaken
    assert not world.history.lineage(push, "").head_ignored


def test_a_late_push_of_a_new_branch_is_overtaken_unless_the_branch_was_deleted_since(world: Ledgers) -> None:
    opened(world)
    new = a_push("p2", "b")
    assert not world.history.lineage(new, "").overtaken
    world.pushes.admit(a_push("p1", "a", before="f"))
    assert world.history.lineage(new, "").overtaken
    world.pushes.record(replace(a_push("d1", "0", before="a"), state=PushState.IGNORED), code="branch-deleted")
    assert not world.history.lineage(new, "").overtaken


def test_a_build_starts_once_and_ends_once(world: Ledgers) -> None:
    opened(world)
    first = begun(world, "p1", "a")
    assert first.build
    assert (first.build.name, first.build.state, first.build.repository) == ("b-a", BuildState.RUNNING, "team/hello")
    assert begun(world, "p1", "a") == first
    assert world.builds.end(replace(ENDED, name="nobody")) is None

    ended = world.builds.end(ENDED)

    assert ended
    assert (ended.build.state, ended.build.image) == (BuildState.SUCCEEDED, ENDED.image)
    assert world.builds.end(BuildResult(name="b-a", state=BuildState.FAILED, step="s")) == ended
    assert begun(world, "p1", "a").build == ended.build


def test_a_newer_push_replaces_a_running_build(world: Ledgers) -> None:
    opened(world)
    begun(world, "p1", "a")

    second = begun(world, "p2", "b")

    assert second.cancel == ("b-a",)
    ended = world.builds.end(BuildResult(name="b-a", state=BuildState.CANCELLED))
    assert ended
    assert (ended.build.superseded_by, ended.successor) == ("p2", "b" * 40)
    old = begun(world, "p1", "a")
    assert (old.build, old.overtaken) == (ended.build, f"the newer push of {'b' * 12} takes its place")


def test_a_build_that_is_being_cancelled_keeps_its_reason(world: Ledgers) -> None:
    opened(world)
    begun(world, "p1", "a")
    begun(world, "p2", "b")

    assert begun(world, "p3", "c").cancel == ("b-a", "b-b")

    ended = world.builds.end(BuildResult(name="b-a", state=BuildState.CANCELLED))
    assert ended
    assert (ended.build.superseded_by, ended.successor) == ("p2", "b" * 40)


def test_a_successful_build_is_reused(world: Ledgers) -> None:
    opened(world)
    begun(world, "p1", "a")
    world.builds.end(ENDED)
    world.pushes.admit(a_push("p2", "b"))

    again = begun(world, "p3", "a").build

    assert again
    assert (again.name, again.push, again.image) == ("b-a", "p1", ENDED.image)


def test_a_running_build_is_adopted(world: Ledgers) -> None:
    opened(world)
    begun(world, "p1", "a")
    world.pushes.admit(a_push("p2", "b"))

    taken = begun(world, "p3", "a")

    assert taken.build
    assert (taken.build.name, taken.build.push, taken.build.sequence, taken.adopted) == ("b-a", "p3", 3, ("p1",))
    assert world.history.recorded("p1")[0].state is PushState.SUPERSEDED
    assert begun(world, "p3", "a").adopted == ("p1",)


def test_a_build_that_is_taken_over_leaves_a_push_that_has_ended_as_it_is(world: Ledgers) -> None:
    opened(world)
    begun(world, "p1", "a")
    world.pushes.advance("p1", "hello", PushState.FAILED, reason="too late")
    world.pushes.admit(a_push("p2", "b"))

    taken = begun(world, "p3", "a")

    assert taken.build
    assert (taken.build.name, taken.build.push, taken.adopted) == ("b-a", "p3", ())
    push = world.history.recorded("p1")[0]
    assert (push.state, push.reason) == (PushState.FAILED, "too late")


def test_a_build_that_is_taken_over_leaves_the_same_push_of_another_app_alone(world: Ledgers) -> None:
    opened(world)
    world.add("second")
    world.environments.open(production("second", "main"))
    begun(world, "p1", "a")
    world.pushes.admit(replace(a_push("p1", "a"), app="second"))
    world.pushes.admit(a_push("p2", "b"))

    begun(world, "p3", "a")

    states = {push.app: push.state for push in world.history.recorded("p1")}
    assert states == {"hello": PushState.SUPERSEDED, "second": PushState.RECEIVED}


def test_a_commit_that_failed_gets_a_new_attempt(world: Ledgers) -> None:
    opened(world)
    for attempt, name in enumerate(("b-a", "b-a-r2", "b-a-r3"), 1):
        build = begun(world, f"p{attempt}", "a").build
        assert build
        assert build.name == name
        world.builds.end(BuildResult(name=name, state=BuildState.FAILED, step="s"))
        world.pushes.advance(f"p{attempt}", "hello", PushState.FAILED)


def test_a_push_that_has_ended_starts_no_build(world: Ledgers) -> None:
    opened(world)
    world.pushes.admit(a_push("p1", "a"))
    world.pushes.advance("p1", "hello", PushState.FAILED, reason="too late")
    ended = begun(world, "p1", "a")
    assert (ended.build, ended.push_state, ended.push_reason) == (None, PushState.FAILED, "too late")


def test_running_builds_are_cancelled_only_where_no_environment_is_open(world: Ledgers) -> None:
    opened(world)
    begun(world, "p1", "a")
    assert world.builds.cancel("hello", "production", cause=PREVIEW_CLOSED) == ()
    assert world.builds.cancel("hello", "", cause=APP_DELETED) == ()
    world.remove("hello")
    assert world.builds.cancel("hello", "other", cause=PREVIEW_CLOSED) == ()
    assert world.builds.cancel("hello", "", cause=APP_DELETED) == ("b-a",)
    assert world.builds.cancel("hello", "", cause=APP_DELETED) == ("b-a",)
    ended = world.builds.end(BuildResult(name="b-a", state=BuildState.CANCELLED))
    assert ended
    assert (ended.build.superseded_by, ended.successor) == (APP_DELETED, "")


CALLS: dict[str, Callable[[Ledgers], object]] = {
    "by_repository": lambda world: world.apps.by_repository(KEY),
    "open": lambda world: world.environments.open(production("hello", "main")),
    "close_previews": lambda world: world.environments.close_previews(["hello"], "topic"),
    "admit": lambda world: world.pushes.admit(a_push("p1", "a")),
    "record": lambda world: world.pushes.record(replace(a_push("p1", "a"), state=PushState.IGNORED)),
    "advance": lambda world: world.pushes.advance("p1", "hello", PushState.LIVE),
    "recorded": lambda world: world.history.recorded("p1"),
    "lineage": lambda world: world.history.lineage(a_push("p1", "a"), ""),
    "end": lambda world: world.builds.end(ENDED),
    "cancel": lambda world: world.builds.cancel("hello", "", cause=APP_DELETED),
}


@pytest.mark.parametrize("call", CALLS)
def test_an_outage_is_unavailable(world: Ledgers, call: str) -> None:
    world.break_down()
    with pytest.raises(Unavailable):
        CALLS[call](world)
