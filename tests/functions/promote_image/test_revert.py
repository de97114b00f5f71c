"""promote-image: a failed release never gets the traffic later."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.common.adapters.kubernetes.names import Kind
from functions.common.adapters.kubernetes.status import requested_release
from functions.common.adapters.postgres.releases import PostgresReleaseProgress
from functions.common.domain.release import ReleaseState
from functions.common.events.release import ReleaseFailed
from functions.promote_image.release_ended import revert
from tests.contract.kubernetes_deployer_world import KubernetesDeployerWorld
from tests.fakes.loopback_kubernetes import loopback_kubernetes
from tests.functions.promote_image.promoter import Promoter
from tests.world import World


class Stage:
    """A cluster, and promote-image on it."""

    def __init__(self, world: World, images: Path, cluster: KubernetesDeployerWorld) -> None:
        self.world, self.cluster = world, cluster
        self.promoter = Promoter(world, images, deployer=cluster.deployer)

    def end(self, number: int, state: ReleaseState) -> None:
        """End a release."""
        PostgresReleaseProgress(database=self.world.database).finish("hello", "production", number, state)

    def report_failure(self, number: int) -> None:
        """Handle a release.failed."""
        event = ReleaseFailed(
            app="hello", environment="production", release=number, sha="b", step="health check", reason="no answer"
        )
        revert(event, archive=self.promoter.archive, deployer=self.cluster.deployer)

    def asked(self) -> int:
        """Return the release that the cluster is asked for."""
        return requested_release(self.cluster.api.read(self.cluster.web) or {})


@pytest.fixture
def stage(world: World, tmp_path: Path) -> Iterator[Stage]:
    with loopback_kubernetes() as server:
        yield Stage(world, tmp_path / "images", KubernetesDeployerWorld(server.api, Kind.DEPLOYMENT))


def test_the_live_release_is_asked_for_again(stage: Stage) -> None:
    stage.promoter.promote(stage.world.push("a"))
    stage.end(1, ReleaseState.LIVE)
    stage.promoter.promote(stage.world.push("b"))
    stage.end(2, ReleaseState.FAILED)
    asked = stage.asked()

    stage.report_failure(2)

    assert (asked, stage.asked()) == (2, 1)


def test_nothing_changes_without_a_live_release_or_with_a_newer_one(stage: Stage) -> None:
    stage.promoter.promote(stage.world.push("a"))
    stage.end(1, ReleaseState.FAILED)
    stage.report_failure(1)
    first = stage.asked()
    stage.promoter.promote(stage.world.push("b"))
    stage.report_failure(1)

    assert (first, stage.asked()) == (1, 2)


def test_a_rollback_without_a_release_changes_nothing(stage: Stage) -> None:
    stage.promoter.promote(stage.world.push("a"))
    stage.end(1, ReleaseState.LIVE)

    stage.report_failure(0)

    assert stage.asked() == 1
