"""promote-image: a release whose workload the deployer rejects fails, and its image is not released again."""

from pathlib import Path

import pytest

from functions.common.adapters.kubernetes.names import Kind
from functions.common.adapters.postgres.releases import PostgresReleaseProgress
from functions.common.domain.push import PushState
from functions.common.domain.release import ReleaseState
from functions.common.errors import Unavailable
from functions.common.events.app import AppDeleted, ConfigChanged
from functions.common.events.release import ReleaseFailed, ReleaseStarted
from tests.contract.kubernetes_deployer_world import KubernetesDeployerWorld
from tests.fakes.loopback_kubernetes import loopback_kubernetes
from tests.fakes.refusing_deployer import REASON, RefusingDeployer
from tests.fakes.stumbling_pushes import StumblingPushes
from tests.functions.promote_image.promoter import Promoter
from tests.world import World, caused_by, digest_of

EVERYWHERE = {"production", "one", "two"}


@pytest.fixture
def deployer(world: World) -> RefusingDeployer:
    return RefusingDeployer(deployer=world.deployer)


@pytest.fixture
def promoter(world: World, tmp_path: Path, deployer: RefusingDeployer) -> Promoter:
    return Promoter(world, tmp_path / "images", deployer=deployer)


def finish(world: World, number: int, state: ReleaseState) -> None:
    PostgresReleaseProgress(database=world.database).finish("hello", "production", number, state)


def test_a_rejected_release_fails_with_its_push(world: World, promoter: Promoter, deployer: RefusingDeployer) -> None:
    deployer.refused = EVERYWHERE

    failed = promoter.promote(world.push("a"))

    assert isinstance(failed, ReleaseFailed)
    assert (failed.release, failed.push, failed.sha, failed.step, failed.reason) == (1, "a", "a", "deploy", REASON)
    assert world.releases() == [(1, "push", "failed")]
    assert world.state("a") is PushState.FAILED
    assert world.database.run("select step, reason from pushes") == [["deploy", REASON]]


def test_a_redelivery_gets_the_same_reply_and_changes_nothing(
    world: World, promoter: Promoter, deployer: RefusingDeployer
) -> None:
    deployer.refused, push = EVERYWHERE, world.push("a")
    failed = promoter.promote(push)
    deployer.refused = set()

    assert promoter.promote(push) == failed

    assert (world.releases(), world.wanted()) == ([(1, "push", "failed")], None)
    assert world.state("a") is PushState.FAILED


def test_a_redelivery_completes_what_a_crash_interrupted(
    world: World, tmp_path: Path, deployer: RefusingDeployer
) -> None:
    stumbling, push = StumblingPushes(world.pushes), world.push("a")
    promoter = Promoter(world, tmp_path / "images", pushes=stumbling, deployer=deployer)
    deployer.refused = EVERYWHERE
    stumbling.fail_at(1)
    with pytest.raises(Unavailable):
        promoter.promote(push)

    assert isinstance(promoter.promote(push), ReleaseFailed)

    assert (world.releases(), world.state("a")) == ([(1, "push", "failed")], PushState.FAILED)


def test_changed_config_releases_the_live_image_and_not_the_rejected_one(
    world: World, promoter: Promoter, deployer: RefusingDeployer
) -> None:
    promoter.promote(world.push("a"))
    finish(world, 1, ReleaseState.LIVE)
    deployer.refused = EVERYWHERE
    promoter.promote(world.push("b"))
    deployer.refused = set()

    with caused_by("config"):
        started = promoter.redeploy.config(ConfigChanged(app="hello", keys=("COLOUR",)))

    assert isinstance(started, ReleaseStarted)
    assert (started.release, started.digest) == (3, digest_of("a"))


def test_a_rejected_rollback_fails(world: World, promoter: Promoter, deployer: RefusingDeployer) -> None:
    promoter.promote(world.push("a"))
    finish(world, 1, ReleaseState.LIVE)
    deployer.refused = EVERYWHERE

    failed = promoter.roll_back(1)

    assert isinstance(failed, ReleaseFailed)
    assert (failed.release, failed.push, failed.step) == (2, "", "deploy")
    assert promoter.roll_back(1) == failed
    assert world.releases() == [(1, "push", "live"), (2, "rollback", "failed")]


def test_a_rejection_in_one_environment_does_not_stop_the_others(
    world: World, promoter: Promoter, deployer: RefusingDeployer
) -> None:
    for name in ("one", "two"):
        world.environment(name, name)
        promoter.promote(world.push(name, environment=name, branch=name))
    deployer.refused = {"one"}

    with caused_by("config"):
        started = promoter.redeploy.config(ConfigChanged(app="hello", environment="preview", keys=("COLOUR",)))

    (failed,) = world.sink.of(ReleaseFailed)
    assert isinstance(started, ReleaseStarted)
    assert (failed.environment, failed.push, started.environment) == ("one", "one", "two")
    assert (world.state("one"), world.state("two")) == (PushState.FAILED, PushState.RELEASING)


def test_a_release_that_ended_in_the_meantime_is_unchanged(
    world: World, promoter: Promoter, deployer: RefusingDeployer
) -> None:
    deployer.refused, deployer.meanwhile = EVERYWHERE, lambda: finish(world, 1, ReleaseState.LIVE)

    assert isinstance(promoter.promote(world.push("a")), ReleaseStarted)

    assert (world.releases(), world.state("a")) == ([(1, "push", "live")], PushState.LIVE)


def test_a_release_that_failed_later_is_still_answered_as_started(world: World, promoter: Promoter) -> None:
    push = world.push("a")
    started = promoter.promote(push)
    finish(world, 1, ReleaseState.FAILED)

    assert promoter.promote(push) == started


def test_an_app_whose_namespace_is_foreign_fails_and_its_deletion_leaves_the_namespace(
    world: World, tmp_path: Path
) -> None:
    with loopback_kubernetes("app-hello") as server:
        cluster = KubernetesDeployerWorld(server.api, Kind.DEPLOYMENT)
        promoter = Promoter(world, tmp_path / "images", deployer=cluster.deployer)

        failed = promoter.promote(world.push("a"))
        world.database.run("delete from projects")
        with caused_by("delete"):
            promoter.removal.app(AppDeleted(app="hello", hosts=(), environments=("production",)))

        assert isinstance(failed, ReleaseFailed)
        assert "namespace app-hello exists and is not Slipway's" in failed.reason
        assert list(server.objects) == ["/api/v1/namespaces/app-hello"]
