"""What becomes of pushes, over a real database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.common.adapters.postgres.apps import PostgresAppEditor
from functions.common.domain.git_url import repository_key
from functions.common.events.push import BranchDeleted, PullRequestClosed, PushReceived, Repository
from tests.push_world import URL, PushWorld, sha

REPOSITORY = Repository(full_name="team/hello", urls=(URL,))


@pytest.fixture
def world(database: str) -> Iterator[PushWorld]:
    world = PushWorld(database)
    yield world
    world.database.close()


def last(world: PushWorld, identity: str, after: str, **named: Any) -> dict[str, object]:  # noqa: ANN401 - fields of the event
    reply = world.handle(world.pushed(identity, after, **named))[-1]
    return {"type": reply.type.split("slipway.")[1], **reply.data}


def test_a_push_to_the_apps_branch_is_production(world: PushWorld) -> None:
    world.app()
    world.head("a")

    reply = last(world, "p1", "a")

    assert reply | {"type": "build.requested.v1", "environment": "production", "sequence": 1} == reply
    assert reply | {"push": "p1", "repository": "team/hello", "clone_url": URL, "sha": sha("a")} == reply


@pytest.mark.parametrize(
    ("of_app", "of_event"),
    [
        ("https://forge.example.org/MyOrg/Repo.git", "https://forge.example.org/myorg/repo.git"),
        ("https://forge.example.org/myorg/repo", "https://FORGE.example.org:443/MyOrg/Repo.git/"),
        ("git@forge.example.org:MyOrg/Repo.git", "https://forge.example.org./myorg/REPO"),
    ],
)
def test_an_app_is_found_by_any_spelling_of_its_repository(world: PushWorld, of_app: str, of_event: str) -> None:
    world.app("spelled", url=of_app)
    repository = {"full_name": "myorg/repo", "urls": (of_event,)}
    pushed = PushReceived.model_validate({**world.pushed("p1", "a").data, "repository": repository})
    world.heads.branches[repository_key(of_app)] = {"main": sha("a")}

    (event,) = world.handle(world.event(pushed, "p1"))

    assert (event.type, event.data["app"]) == ("dev.slipway.build.requested.v1", "spelled")
    assert event.data["clone_url"] == of_app


def test_another_branch_opens_a_preview_and_publishes_its_host(world: PushWorld) -> None:
    world.app()
    world.head("a", "feature/main")

    opened, requested = world.handle(world.pushed("p1", "a", branch="feature/main"))

    assert opened.type == "dev.slipway.preview.opened.v1"
    assert opened.data["host"] == f"{opened.data['environment']}--hello.apps.example.org"
    assert opened.data["environment"].startswith("feature-main-")
    assert requested.data["environment"] == opened.data["environment"]
    world.head("b", "feature/main")
    assert [e.type for e in world.handle(world.pushed("p2", "b", before="a", branch="feature/main"))] == [
        "dev.slipway.build.requested.v1"
    ]


def test_a_preview_beyond_the_limit_is_refused_with_a_reason_until_another_one_is_closed(database: str) -> None:
    world = PushWorld(database, previews=2)
    world.app()
    for number, branch in enumerate(("one", "two", "three", "main")):
        world.head("a", branch)
        reply = last(world, f"p{number}", "a", branch=branch)
        if branch == "three":
            assert (reply["type"], reply["code"]) == ("push.ignored.v1", "preview-limit")
            assert "hello has 2 open previews" in str(reply["reason"])
            assert last(world, f"p{number}", "a", branch=branch) == reply
        else:
            assert reply["type"] == "build.requested.v1", branch
    world.head("b", "one")
    assert last(world, "p4", "b", before="a", branch="one")["type"] == "build.requested.v1"
    world.head("", "two")
    assert deleted(world, "two")
    assert last(world, "p5", "a", branch="three")["type"] == "build.requested.v1"
    world.database.close()


def test_branches_that_are_pushed_at_once_open_no_more_previews_than_allowed(database: str) -> None:
    world = PushWorld(database, previews=2)
    world.app()
    branches = [f"branch-{number}" for number in range(6)]
    for branch in branches:
        world.head("a", branch)
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda branch: world.handle(world.pushed(f"p-{branch}", "a", branch=branch)), branches))

    assert world.rows("select count(*) from environments where state = 'open'") == [{"count": 2}]
    assert sorted(world.push_states().values()) == ["ignored"] * 4 + ["received"] * 2
    world.database.close()


def test_a_push_without_an_app_is_ignored_with_the_documented_reason(world: PushWorld) -> None:
    reply = last(world, "p1", "a")

    assert (reply["type"], reply["code"]) == ("push.ignored.v1", "no-app")
    assert str(reply["reason"]).startswith("no app matches repo team/hello")
    assert world.push_states() == {("p1", ""): "ignored"}
    world.app()
    assert last(world, "p1", "a") == reply


@pytest.mark.parametrize("message", ["[skip ci] words", "Words\n\n[CI skip]"])
def test_skip_markers(world: PushWorld, message: str) -> None:
    world.app()
    world.head("a")

    assert last(world, "p1", "a", message=message)["code"] == "skip-ci"


def test_paths_ignore_a_push_only_if_all_its_files_are_known(world: PushWorld) -> None:
    world.app(paths=("web/**",))
    world.head("b")

    ignored = last(world, "p1", "b", before="a", changed=("docs/x.md",), complete=True)
    assert ignored["code"] == "paths"
    assert "web/**" in str(ignored["reason"])
    assert last(world, "p2", "b", before="a", changed=("docs/x.md",))["type"] == "build.requested.v1"


def test_a_filter_never_hides_a_change_of_a_dropped_push(world: PushWorld) -> None:
    world.app(paths=("web/**",))
    world.head("c")
    dropped = last(world, "p1", "b", before="a", changed=("web/x",), complete=True)
    assert (dropped["type"], dropped["reason"]) == ("push.superseded.v1", f"the branch is already at {'c' * 12}")

    reply = last(world, "p2", "c", before="b", changed=("docs/x",), complete=True)

    assert reply["type"] == "build.requested.v1"


def test_a_push_below_an_ignored_head_is_built(world: PushWorld) -> None:
    world.app()
    world.head("c")
    assert last(world, "p2", "c", before="b", message="[skip ci]")["code"] == "skip-ci"

    assert last(world, "p1", "b", before="a")["type"] == "build.requested.v1"


def test_a_deleted_branch_is_not_built(world: PushWorld) -> None:
    world.app()
    world.head("a", "other")

    assert last(world, "p1", "a")["code"] == "branch-gone"


def test_the_same_commit_again_is_a_duplicate_with_the_id_of_the_first(world: PushWorld) -> None:
    world.app()
    world.head("a")
    last(world, "p1", "a")

    reply = last(world, "p2", "a")

    assert (reply["code"], "p1" in str(reply["reason"])) == ("duplicate", True)


def test_the_same_commit_again_after_a_failure_is_built(world: PushWorld) -> None:
    world.app()
    world.head("a")
    last(world, "p1", "a")
    world.database.run("update pushes set state = 'failed', ended_at = now()")

    assert last(world, "p2", "a")["sequence"] == 2


def test_a_redelivery_gets_the_same_events_whatever_happened_since(world: PushWorld) -> None:
    world.app()
    world.head("a")
    push = world.pushed("p1", "a")
    first = world.handle(push)
    world.head("b")
    world.handle(world.pushed("p2", "b", before="a"))
    world.database.run("update pushes set state = 'live', ended_at = now()")

    assert world.handle(push) == first
    assert len(world.rows("select * from pushes")) == 2


@pytest.mark.parametrize("order", ["123", "132", "213", "231", "312", "321"])
def test_shuffled_pushes_end_at_the_head(world: PushWorld, order: str) -> None:
    world.app()
    world.head("c")
    pushes = {
        "1": world.pushed("p1", "a"),
        "2": world.pushed("p2", "b", before="a"),
        "3": world.pushed("p3", "c", before="b"),
    }

    world.run(*(pushes[number] for number in order))

    assert [row["sha"] for row in world.rows("select sha from builds")] == [sha("c")]
    states = world.push_states()
    assert states == {("p1", "hello"): "superseded", ("p2", "hello"): "superseded", ("p3", "hello"): "building"}


@pytest.mark.parametrize("order", ["123", "132", "213", "231", "321"])
def test_shuffled_pushes_of_an_unreadable_forge_end_at_the_end_of_the_chain(world: PushWorld, order: str) -> None:
    world.app()
    pushes = {
        "1": world.pushed("p1", "a"),
        "2": world.pushed("p2", "b", before="a"),
        "3": world.pushed("p3", "c", before="b"),
    }

    world.run(*(pushes[number] for number in order))

    newest = world.rows("select sha from pushes where sequence > 0 order by sequence desc limit 1")
    assert newest == [{"sha": sha("c")}]


def test_all_apps_of_one_repository_get_their_event(world: PushWorld) -> None:
    for name in ("api", "web"):
        world.app(name)
    world.head("a")

    events = world.handle(world.pushed("p1", "a"))

    assert [event.data["app"] for event in events] == ["api", "web"]
    assert {event.type for event in events} == {"dev.slipway.build.requested.v1"}


def test_parallel_pushes_each_get_their_own_sequence(world: PushWorld) -> None:
    world.app()
    letters = "abcdef"
    pushes = [world.pushed(f"p{letter}", letter, before=str(n)) for n, letter in enumerate(letters, 1)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(world.handle, pushes * 2))

    rows = world.rows("select sequence from pushes where sequence > 0 order by sequence")
    assert [row["sequence"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert world.rows("select pushed_sequence from environments") == [{"pushed_sequence": 6}]


def test_parallel_deliveries_of_one_commit_are_admitted_once(world: PushWorld) -> None:
    world.app()
    world.head("a")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(world.handle, [world.pushed(f"p{n}", "a") for n in range(12)]))

    assert sorted(world.push_states().values()) == ["ignored"] * 11 + ["received"]


def deleted(world: PushWorld, branch: str, identity: str = "d1") -> list[tuple[str, str]]:
    event = BranchDeleted(provider="forgejo", delivery=identity, repository=REPOSITORY, branch=branch)
    return [
        (event.type.split("slipway.")[1], event.data["reason"]) for event in world.handle(world.event(event, identity))
    ]


def closed(world: PushWorld, branch: str, letter: str, *, fork: bool = False) -> list[str]:
    fields = {"provider": "forgejo", "delivery": "c1", "push": "c1", "repository": REPOSITORY, "branch": branch}
    event = PullRequestClosed(**fields, number=4, sha=sha(letter), target="main", fork=fork, merged=True)  # type: ignore[arg-type] # a dict for short
    return [event.data["reason"] for event in world.handle(world.event(event, "c1"))]


def test_a_deleted_branch_closes_its_preview_and_a_push_opens_it_again(world: PushWorld) -> None:
    world.app()
    world.head("a", "topic")
    world.handle(world.pushed("p1", "a", branch="topic"))
    world.head("", "topic")

    assert deleted(world, "topic") == [("preview.closed.v1", "branch topic was deleted")]
    assert deleted(world, "topic") == [("preview.closed.v1", "branch topic was deleted")]
    world.head("a", "topic")
    assert deleted(world, "topic") == []
    again = world.handle(world.pushed("p2", "a", branch="topic"))
    assert [event.type.split("slipway.")[1] for event in again] == ["preview.opened.v1", "build.requested.v1"]
    assert world.rows("select state, label from environments") == [{"state": "open", "label": "topic--hello"}]


def test_a_deleted_production_branch_keeps_serving(world: PushWorld) -> None:
    world.app()
    world.head("a")
    world.handle(world.pushed("p1", "a"))
    world.head("")

    events = deleted(world, "main")

    assert events == [("push.ignored.v1", "the production branch main was deleted; hello keeps its current release")]
    assert deleted(world, "main") == events
    assert world.rows("select state from environments") == [{"state": "open"}]


def test_a_closed_pull_request_closes_the_preview_of_its_branch(world: PushWorld) -> None:
    world.app()
    world.head("a", "topic")
    world.handle(world.pushed("p1", "a", branch="topic"))

    assert closed(world, "topic", "a", fork=True) == []
    world.head("b", "topic")
    assert closed(world, "topic", "a") == []
    world.head("a", "topic")
    assert closed(world, "topic", "a") == ["pull request #4 was merged"]
    assert closed(world, "main", "a") == []


def test_branches_with_colliding_names_get_separate_previews(world: PushWorld) -> None:
    world.app()
    world.handle(world.pushed("p1", "a", branch="feat/x"))
    taken = world.rows("select name from environments")[0]["name"]
    world.handle(world.pushed("p2", "b", branch=taken))
    world.handle(world.pushed("p3", "c", branch=taken, before="b"))

    rows = world.rows("select branch, name, pushed_sequence from environments order by opened_at")
    assert [row["branch"] for row in rows] == ["feat/x", taken]
    assert rows[1]["name"] != taken
    assert rows[1]["pushed_sequence"] == 2


@pytest.mark.parametrize("branch", ["main", "topic"])
def test_a_redelivery_after_a_crash_anywhere_has_the_same_result(world: PushWorld, branch: str) -> None:
    for name in ("api", "web"):
        world.app(name)
    world.head("a", branch)
    world.fuse.set(0)
    undisturbed = PushWorld.handle(world, world.pushed("p0", "a", branch=branch))
    points = world.fuse.points
    assert points > 10
    for point in range(1, points + 1):
        world.database.run("delete from environments")
        world.database.run("delete from pushes")
        world.database.run("delete from builds")
        world.published.clear()
        world.fuse.set(point)
        world.run(world.pushed("p0", "a", branch=branch))
        assert {e.id for e in undisturbed} <= {e.id for e in world.published}
        assert world.push_states() == {("p0", "api"): "building", ("p0", "web"): "building"}
        assert [row["pushed_sequence"] for row in world.rows("select pushed_sequence from environments")] == [1, 1]


def test_each_app_of_a_repository_is_built_in_its_own_folder(world: PushWorld) -> None:
    """A monorepo: one push is a build of each of its apps."""
    for name, root in (("api", "services/api"), ("hello", ""), ("web", "web")):
        world.app(name)
        world.database.run("update projects set root = :root where name = :name", name=name, root=root)
    world.head("a")
    requested = {event.data["app"]: event.data["root"] for event in world.handle(world.pushed("p1", "a"))}
    assert requested == {"api": "services/api", "hello": "", "web": "web"}


def test_the_builder_gets_the_folder(world: PushWorld) -> None:
    world.app()
    world.database.run("update projects set root = 'web'")
    world.head("a")
    world.run(world.pushed("p1", "a"))

    assert [order.root for order in world.builder.orders.values()] == ["web"]


def test_the_same_commit_is_built_again_when_the_app_is_in_another_folder(world: PushWorld) -> None:
    world.app()
    world.head("a")
    world.run(world.pushed("p1", "a"))
    assert last(world, "p2", "a")["code"] == "duplicate"

    world.database.run("update projects set root = 'web'")
    assert last(world, "p3", "a")["type"] == "build.requested.v1"


OLD, NEW = "https://forge.example.org/old/repo.git", "https://forge.example.org/new/Name.git"
SSH = "git@forge.example.org:new/Name.git"


def announced(world: PushWorld, letter: str, *urls: str, signer: str = "moving", number: str = "7") -> list[str]:
    """Handle a push that the app's own secret signed; return the URLs that are built."""
    repository = {"full_name": "x/y", "urls": urls, "id": number}
    data = {**world.pushed(letter, letter).data, "repository": repository, "signer": signer, "push": letter}
    caused = world.handle(world.event(PushReceived.model_validate(data), letter))
    return [event.data["clone_url"] for event in caused if event.type == "dev.slipway.build.requested.v1"]


@pytest.fixture
def moving(world: PushWorld) -> PushWorld:
    """An app whose repository was announced once, under its first name."""
    world.app("moving", url=OLD)
    for url in (OLD, NEW, SSH):
        world.heads.branches[repository_key(url)] = {"main": sha("a")}
    assert announced(world, "a", OLD) == [OLD]
    for url in (OLD, NEW, SSH):
        world.heads.branches[repository_key(url)] = {"main": sha("b")}
    return world


@pytest.mark.parametrize("names", [None, {"7": (NEW, SSH)}])
def test_the_url_of_an_app_follows_its_repository_to_another_name(
    moving: PushWorld, names: dict[str, tuple[str, ...]] | None
) -> None:
    moving.heads.names = names

    assert announced(moving, "b", SSH, NEW) == [NEW]
    (row,) = moving.rows("select git_url, git_key, git_clone_http from projects where name = 'moving'")
    assert row == {"git_url": NEW, "git_key": "forge.example.org/new/name", "git_clone_http": NEW}
    assert {row["repository"] for row in moving.rows("select repository from pushes where app = 'moving'")} == {
        "forge.example.org/new/name"
    }
    assert moving.rows("select target, detail from audit_log") == [
        {"target": "moving", "detail": f"{OLD} is {NEW} now"}
    ]


@pytest.mark.parametrize(
    "changed",
    [
        {"signer": ""},  # the secret of the forge, which other repositories have too
        {"signer": "hello"},  # another app's secret
        {"number": "8"},
        {"number": ""},
        {"urls": ("https://other.example.org/new/Name.git",)},
        {"urls": (SSH,)},  # the platform has no key for it
        {"urls": ("https://user:secret@forge.example.org/new/Name.git",)},
        {"names": {}},  # the forge knows no such repository
        {"names": {"7": (OLD,)}},  # or says that it has its old name
        {"taken": NEW},  # an app of others has the repository of the new name
    ],
)
def test_no_app_follows_what_its_secret_or_its_forge_does_not_say(moving: PushWorld, changed: dict[str, Any]) -> None:
    moving.heads.names = changed.get("names")
    if "taken" in changed:
        moving.app("theirs", url=changed["taken"])
    signed = {name: changed[name] for name in ("signer", "number") if name in changed}

    assert OLD not in announced(moving, "b", *changed.get("urls", (NEW,)), **signed)
    (row,) = moving.rows("select git_url from projects where name = 'moving'")
    assert row == {"git_url": OLD}


def test_an_app_that_moves_to_another_repository_forgets_the_id_of_the_first(moving: PushWorld) -> None:
    editor = PostgresAppEditor(database=moving.database)
    editor.set_source("moving", git_url="", branch="trunk")
    same = moving.rows("select forge_id from projects where name = 'moving'")
    editor.set_source("moving", git_url="https://forge.example.org/else/where.git", branch="")

    assert same == [{"forge_id": "forge.example.org#7"}]
    assert moving.rows("select forge_id from projects where name = 'moving'") == [{"forge_id": ""}]
