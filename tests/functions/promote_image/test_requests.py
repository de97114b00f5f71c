"""promote-image: images that are requested, restarts, undeploying, scaling and limits."""

from pathlib import Path
from typing import Any

import pytest

from functions.common.adapters.postgres.releases import PostgresReleaseProgress
from functions.common.adapters.postgres.scales import PostgresAppLimits, PostgresScales
from functions.common.domain.release import Limits, ReleaseState
from functions.common.events.base import Event
from functions.common.events.operation import (
    DeployRequested,
    LimitsChanged,
    RestartRequested,
    ScaleChanged,
    UndeployRequested,
)
from functions.common.events.release import ReleaseStarted, ReleaseSuperseded
from functions.promote_image.requests import handle_deploy, handle_scale
from tests.functions.promote_image.promoter import Promoter
from tests.world import World, caused_by

WHERE: dict[str, Any] = {"app": "hello", "environment": "production"}


@pytest.fixture
def promoter(world: World, tmp_path: Path) -> Promoter:
    return Promoter(world, tmp_path / "images")


def live(promoter: Promoter, number: int) -> None:
    """Let a release become live."""
    progress = PostgresReleaseProgress(database=promoter.world.database)
    progress.finish("hello", "production", number, ReleaseState.LIVE)


def deploy(promoter: Promoter, cause: str = "deploy") -> Event:
    """Handle a deploy.requested."""
    event = DeployRequested(**WHERE, image="registry.example.org/web", digest="sha256:" + "e" * 64, actor="ann")
    with caused_by(cause, "promote-image"):
        return handle_deploy(event, ledger=promoter.ledger, roll_out=promoter.roll_out)


def wanted(promoter: Promoter) -> dict[str, Any]:
    """Return the workload that the deployer was asked for."""
    rows = promoter.world.database.run("select wanted from platform.workloads where app = 'hello'")
    found: dict[str, Any] = rows[0][0]
    return found


def test_a_requested_image_is_released_once(promoter: Promoter) -> None:
    first, again = deploy(promoter), deploy(promoter)

    assert isinstance(first, ReleaseStarted)
    assert isinstance(again, ReleaseStarted)
    assert (first.release, again.release) == (1, 1)
    release = promoter.archive.find("hello", "production", 1)
    assert release
    assert (release.kind, release.note) == (
        "deploy",
        f"deploy registry.example.org/web@sha256:{'e' * 64} by ann",
    )


def test_an_image_for_a_deleted_app_is_superseded(promoter: Promoter) -> None:
    promoter.world.database.run("delete from projects")

    assert isinstance(deploy(promoter), ReleaseSuperseded)


def test_a_restart_is_a_release_of_the_same_image_without_a_canary(promoter: Promoter) -> None:
    deploy(promoter)
    live(promoter, 1)
    with caused_by("restart", "promote-image"):
        reply = promoter.redeploy.restart(RestartRequested(**WHERE, actor="ann"))

    assert isinstance(reply, ReleaseStarted)
    assert (reply.release, wanted(promoter)["steps"]) == (2, [100])
    release = promoter.archive.find("hello", "production", 2)
    assert release
    assert (release.kind, release.note, release.digest) == ("restart", "restart by ann", "sha256:" + "e" * 64)


def test_what_is_undeployed_stays_so_until_it_is_deployed_again(promoter: Promoter) -> None:
    deploy(promoter)
    live(promoter, 1)
    event = UndeployRequested(**WHERE, through=1)
    promoter.removal.undeploy(event)

    assert wanted(promoter) is None
    assert promoter.archive.newest("hello", "production") is None
    shown = promoter.world.database.run("select deployment_status, deployment_image from projects")
    assert shown == [["none", ""]]
    with caused_by("restart", "promote-image"):
        assert promoter.redeploy.restart(RestartRequested(**WHERE)) is None

    deploy(promoter, "again")
    promoter.removal.undeploy(event)  # delivered again

    assert wanted(promoter)["release"] == 2
    newest = promoter.archive.newest("hello", "production")
    assert newest
    assert (newest.number, newest.state) == (2, "started")


def test_undeploying_ends_the_push_of_an_unfinished_release(promoter: Promoter) -> None:
    push = promoter.world.push("a")
    promoter.promote(push)
    with caused_by("undeploy", "promote-image"):
        promoter.removal.undeploy(UndeployRequested(**WHERE, through=1))

    rows = promoter.world.database.run("select state, reason from pushes")
    assert rows == [["superseded", "hello/production was undeployed"]]


def test_numbers_and_limits_are_part_of_each_later_release(promoter: Promoter) -> None:
    database = promoter.world.database
    PostgresScales(database=database).change("hello", "production", {"web": 3})
    PostgresAppLimits(database=database).change("hello", Limits(cpu="500m", memory="256Mi", port=3000))
    deploy(promoter)

    found = wanted(promoter)
    assert (found["replicas"], found["cpu"], found["memory"], found["port"]) == ({"web": 3}, "500m", "256Mi", 3000)


def test_scaling_changes_what_runs_in_place(promoter: Promoter) -> None:
    deploy(promoter)
    scales = PostgresScales(database=promoter.world.database)
    scales.change("hello", "production", {"web": 4})
    handle_scale(ScaleChanged(**WHERE, processes=("web",)), scales=scales, deployer=promoter.world.deployer)

    assert (wanted(promoter)["replicas"], wanted(promoter)["release"]) == ({"web": 4}, 1)


def test_new_limits_redeploy_what_runs(promoter: Promoter) -> None:
    deploy(promoter)
    live(promoter, 1)
    limits = PostgresAppLimits(database=promoter.world.database)
    assert limits.change("hello", Limits(memory="256Mi")) == ("memory",)
    with caused_by("limits", "promote-image"):
        reply = promoter.redeploy.limits(LimitsChanged(app="hello", names=("memory",)))

    assert isinstance(reply, ReleaseStarted)
    assert (reply.release, wanted(promoter)["memory"]) == (2, "256Mi")
