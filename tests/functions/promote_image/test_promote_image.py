"""promote-image: the newest push wins, and every cause is released once."""

from pathlib import Path

import pytest

from functions.common.adapters.local.deployer import workload_from
from functions.common.adapters.postgres.apps import PostgresAppEditor
from functions.common.adapters.postgres.releases import PostgresReleaseProgress
from functions.common.domain.push import PushState
from functions.common.domain.release import ReleaseState
from functions.common.errors import Rejected, Unavailable
from functions.common.events.app import AppDeleted, ConfigChanged, DomainAdded, PreviewClosed
from functions.common.events.release import ReleaseFailed, ReleaseStarted, ReleaseSuperseded
from tests.fakes.stumbling_pushes import StumblingPushes
from tests.functions.promote_image.promoter import Promoter
from tests.world import World, caused_by, digest_of, image


@pytest.fixture
def promoter(world: World, tmp_path: Path) -> Promoter:
    return Promoter(world, tmp_path / "images")


def live(world: World, number: int, environment: str = "production") -> None:
    progress = PostgresReleaseProgress(database=world.database)
    progress.finish("hello", environment, number, ReleaseState.LIVE)


def config(world: World, scope: str, key: str, value: str) -> None:
    sql = "insert into config_vars (app, scope, key, value) values ('hello', :scope, :key, :value)"
    world.database.run(sql, scope=scope, key=key, value=value)


def test_an_image_becomes_a_numbered_release_with_the_config_of_its_scope(world: World, promoter: Promoter) -> None:
    config(world, "production", "COLOUR", "blue")
    config(world, "preview", "COLOUR", "green")
    world.database.run("insert into custom_domains (host, app) values ('www.example.org', 'hello')")
    started = promoter.promote(world.push("a"))
    assert isinstance(started, ReleaseStarted)
    assert (started.release, started.push, started.digest) == (1, "a", digest_of("a"))
    wanted = world.wanted()
    assert wanted is not None
    assert wanted["config"] == {"COLOUR": "blue"}
    assert wanted["hosts"] == ["hello.apps.example.org", "www.example.org"]
    assert (wanted["steps"], wanted["health_path"], wanted["release"]) == ([50, 100], "/", 1)
    assert world.state("a") is PushState.RELEASING


def test_a_preview_has_its_own_numbers_config_and_host(world: World, promoter: Promoter) -> None:
    config(world, "preview", "COLOUR", "green")
    world.database.run("insert into custom_domains (host, app) values ('www.example.org', 'hello')")
    world.environment("topic", "topic")
    promoter.promote(world.push("a"))
    started = promoter.promote(world.push("b", environment="topic", branch="topic"))
    assert isinstance(started, ReleaseStarted)
    wanted = world.wanted("topic")
    assert wanted is not None
    assert (started.release, wanted["config"], wanted["hosts"]) == (
        1,
        {"COLOUR": "green"},
        ["topic--hello.apps.example.org"],
    )


def test_a_newer_push_supersedes_an_unfinished_release(world: World, promoter: Promoter) -> None:
    promoter.promote(world.push("a"))
    promoter.promote(world.push("b"))
    assert world.releases() == [(1, "push", "superseded"), (2, "push", "started")]
    assert (world.state("a"), world.state("b")) == (PushState.SUPERSEDED, PushState.RELEASING)
    (superseded,) = world.sink.of(ReleaseSuperseded)
    assert (superseded.push, superseded.reason) == ("a", "release v2 replaced it")


def test_a_redelivery_and_a_second_report_of_one_build_give_the_same_release(world: World, promoter: Promoter) -> None:
    push = world.push("a")
    first = promoter.promote(push)
    assert promoter.promote(push) == first
    assert promoter.promote(push, cause="another report of the same build") == first
    assert world.releases() == [(1, "push", "started")]
    assert world.state("a") is PushState.RELEASING


@pytest.mark.parametrize("at", [1, 2])
def test_a_redelivery_completes_what_a_crash_interrupted(world: World, tmp_path: Path, at: int) -> None:
    stumbling = StumblingPushes(world.pushes)
    promoter = Promoter(world, tmp_path / "images", pushes=stumbling)
    promoter.promote(world.push("a"))
    push = world.push("b")
    stumbling.fail_at(at)
    with pytest.raises(Unavailable):
        promoter.promote(push)
    promoter.promote(push)
    assert world.releases() == [(1, "push", "superseded"), (2, "push", "started")]
    assert (world.state("a"), world.state("b")) == (PushState.SUPERSEDED, PushState.RELEASING)
    assert {event.push for event in world.sink.of(ReleaseSuperseded)} == {"a"}


def test_a_redelivery_after_the_end_of_the_release_ends_the_push(world: World, promoter: Promoter) -> None:
    push = world.push("a")
    first = promoter.promote(push)
    live(world, 1)
    assert promoter.promote(push) == first
    assert world.state("a") is PushState.LIVE


def test_an_image_for_a_closed_environment_is_superseded(world: World, promoter: Promoter) -> None:
    world.environment("topic", "topic")
    push = world.push("a", environment="topic", branch="topic")
    world.database.run("update environments set state = 'closed', closed_at = now() where name = 'topic'")
    answer = promoter.promote(push)
    assert isinstance(answer, ReleaseSuperseded)
    assert (answer.reason, world.wanted("topic")) == ("hello/topic is closed", None)
    assert world.state("a") is PushState.SUPERSEDED


def test_a_rollback_is_a_new_release_of_an_old_image_with_the_config_of_now(world: World, promoter: Promoter) -> None:
    config(world, "production", "COLOUR", "blue")
    promoter.promote(world.push("a"))
    live(world, 1)
    world.database.run("update config_vars set value = 'red'")
    promoter.promote(world.push("b"))
    live(world, 2)
    started = promoter.roll_back(1)
    assert isinstance(started, ReleaseStarted)
    assert (started.release, started.digest, started.sha) == (3, digest_of("a"), "a")
    assert promoter.roll_back(1) == started
    wanted = world.wanted()
    assert wanted is not None
    assert (wanted["release"], wanted["config"]) == (3, {"COLOUR": "red"})
    found = promoter.archive.find("hello", "production", 3)
    assert found is not None
    assert (found.note, found.sequence, found.state) == ("rollback to v1", 2, ReleaseState.STARTED)
    later = promoter.promote(world.push("c"))
    assert isinstance(later, ReleaseStarted)


def test_an_impossible_rollback_changes_nothing_and_has_a_reason(world: World, promoter: Promoter) -> None:
    promoter.promote(world.push("a"))
    unknown = promoter.roll_back(7)
    promoter.store.delete("local/hello", digest_of("a"))
    gone = promoter.roll_back(1)
    for answer, reason in ((unknown, "release v7 does not exist"), (gone, "the image of release v1 was deleted")):
        assert isinstance(answer, ReleaseFailed)
        assert (answer.step, answer.release) == ("rollback", 0)
        assert reason in answer.reason
    assert world.releases() == [(1, "push", "started")]


def test_changed_config_is_a_release_of_the_same_image(world: World, promoter: Promoter) -> None:
    event = ConfigChanged(app="hello", environment="production", keys=("COLOUR",), actor="ada")
    with caused_by("config-1"):
        assert promoter.redeploy.config(event) is None
    promoter.promote(world.push("a"))
    live(world, 1)
    config(world, "production", "COLOUR", "red")
    with caused_by("config-2"):
        started = promoter.redeploy.config(event)
        assert promoter.redeploy.config(event) == started
    assert isinstance(started, ReleaseStarted)
    assert (started.release, started.digest, started.push) == (2, digest_of("a"), "")
    wanted = world.wanted()
    assert wanted is not None
    assert wanted["config"] == {"COLOUR": "red"}
    assert world.releases() == [(1, "push", "live"), (2, "config", "started")]


def test_config_that_changes_during_a_release_takes_over_its_push(world: World, promoter: Promoter) -> None:
    promoter.promote(world.push("a"))
    with caused_by("config"):
        started = promoter.redeploy.config(ConfigChanged(app="hello", keys=("COLOUR",)))
    assert isinstance(started, ReleaseStarted)
    assert (started.release, started.push) == (2, "a")
    assert world.state("a") is PushState.RELEASING
    assert world.sink.of(ReleaseSuperseded) == []


def test_preview_config_is_released_in_every_open_preview(world: World, promoter: Promoter) -> None:
    for name in ("one", "two"):
        world.environment(name, name)
        promoter.promote(world.push(name, environment=name, branch=name))
    with caused_by("config"):
        reply = promoter.redeploy.config(ConfigChanged(app="hello", environment="preview", keys=("COLOUR",)))
    assert isinstance(reply, ReleaseStarted)
    assert {reply.environment, *(event.environment for event in world.sink.of(ReleaseStarted))} == {"one", "two"}


def test_a_new_domain_is_served_by_a_new_release(world: World, promoter: Promoter) -> None:
    promoter.promote(world.push("a"))
    live(world, 1)
    world.database.run("insert into custom_domains (host, app) values ('www.example.org', 'hello')")
    with caused_by("domain"):
        promoter.redeploy.domain(DomainAdded(app="hello", environment="production", host="www.example.org"))
    wanted = world.wanted()
    assert wanted is not None
    assert wanted["hosts"] == ["hello.apps.example.org", "www.example.org"]


def close(world: World, promoter: Promoter, name: str) -> None:
    world.database.run("update environments set state = 'closed', closed_at = now() where name = :name", name=name)
    event = PreviewClosed(app="hello", environment=name, branch=name, host="", reason="")
    with caused_by("close"):
        promoter.removal.preview(event)


def test_a_closed_preview_leaves_no_workload_no_unfinished_release_and_no_image(
    world: World, promoter: Promoter
) -> None:
    world.environment("topic", "topic")
    promoter.promote(world.push("a"))
    promoter.promote(world.push("b", environment="topic", branch="topic"))
    close(world, promoter, "topic")
    assert world.wanted("topic") is None
    assert world.state("b") is PushState.SUPERSEDED
    assert not promoter.store.has("local/hello", digest_of("b"))
    assert promoter.store.has("local/hello", digest_of("a"))


def test_an_image_that_production_runs_is_kept(world: World, promoter: Promoter) -> None:
    world.environment("topic", "topic")
    promoter.promote(world.push("b"))
    promoter.promote(world.push("c", environment="topic", branch="topic"))
    world.database.run("update releases set digest = :digest", digest=digest_of("b"))
    close(world, promoter, "topic")
    assert promoter.store.has("local/hello", digest_of("b"))


def test_an_image_that_was_just_built_for_production_is_kept(world: World, promoter: Promoter) -> None:
    world.environment("topic", "topic")
    promoter.promote(world.push("b", environment="topic", branch="topic"))
    world.database.run(
        "insert into builds (name, app, environment, push, repository, sha, ref, sequence, state, digest) "
        "values ('hello-b', 'hello', 'production', 'p', '', 'b', '', 1, 'succeeded', :digest)",
        digest=digest_of("b"),
    )
    close(world, promoter, "topic")
    assert promoter.store.has("local/hello", digest_of("b"))


def test_a_late_closing_leaves_a_reopened_preview(world: World, promoter: Promoter) -> None:
    world.environment("topic", "topic")
    promoter.promote(world.push("b", environment="topic", branch="topic"))
    with caused_by("close"):
        promoter.removal.preview(
            PreviewClosed(app="hello", environment="topic", branch="topic", host="", reason="late")
        )
    assert world.wanted("topic") is not None
    assert world.state("b") is PushState.RELEASING


def test_a_deleted_app_runs_nowhere(world: World, promoter: Promoter) -> None:
    world.environment("topic", "topic")
    promoter.promote(world.push("a"))
    promoter.promote(world.push("b", environment="topic", branch="topic"))
    world.database.run("delete from projects")
    with caused_by("delete"):
        promoter.removal.app(AppDeleted(app="hello", hosts=(), environments=("production", "topic")))
    assert (world.wanted(), world.wanted("topic")) == (None, None)


def test_an_app_created_again_continues_the_numbers_and_survives_the_late_deletion(
    world: World, promoter: Promoter
) -> None:
    promoter.promote(world.push("a"))
    late = world.wanted()
    PostgresAppEditor(database=world.database).remove("hello")
    world.app()
    promoter.promote(world.push("b"))
    with caused_by("delete"):
        promoter.removal.app(AppDeleted(app="hello", hosts=(), environments=("production",)))
    assert late is not None
    world.deployer.apply(workload_from(late))

    assert world.releases() == [(2, "push", "started")]
    assert (world.wanted() or {})["push"] == "b"


def test_an_app_created_again_does_not_keep_the_workload_of_the_deleted_one(world: World, promoter: Promoter) -> None:
    promoter.promote(world.push("a"))
    PostgresAppEditor(database=world.database).remove("hello")
    world.app()
    with caused_by("delete"):
        promoter.removal.app(AppDeleted(app="hello", hosts=(), environments=("production",)))

    assert world.wanted() is None


@pytest.mark.parametrize(
    "change",
    [
        {"digest": digest_of("another")},
        {"image": "registry.example.net/stranger"},
        {"processes": {"web": "cat /proc/self/environ"}},
        {"build": "unknown"},
        {"app": "other"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_image_that_its_build_did_not_make_is_not_released(
    world: World, promoter: Promoter, change: dict[str, object]
) -> None:
    push = world.push("a")
    promoter.build(push)
    with caused_by("image"), pytest.raises(Rejected, match="did not make the image"):
        promoter.handle(image(push).model_copy(update=change))
    assert world.releases() == []
