"""The deployer of a cluster reverts a failed release, which its controllers would keep trying."""

from dataclasses import replace

import pytest

from functions.common.adapters.kubernetes.api import Object
from functions.common.adapters.kubernetes.names import Kind
from functions.common.adapters.kubernetes.record import config_name
from functions.common.adapters.kubernetes.status import requested_release
from functions.common.domain.release import Release, ReleaseKind, Workload
from functions.common.errors import Unavailable
from tests.contract.kubernetes_deployer_world import KubernetesDeployerWorld


def release_of(workload: Workload) -> Release:
    """Return the release whose workload this is."""
    return Release(
        app=workload.app,
        environment=workload.environment,
        number=workload.release,
        kind=ReleaseKind.PUSH,
        digest=workload.digest,
        image=workload.image,
        sha=workload.sha,
        push=workload.push,
        sequence=workload.release,
        processes=workload.processes,
        config=workload.config,
    )


def web(world: KubernetesDeployerWorld) -> Object:
    """Return what runs the web process."""
    found = world.api.read(world.web)
    assert found
    return found


class RevertsContract:
    """Subclasses provide the fixture `world`."""

    def test_the_live_release_replaces_a_failed_one(self, world: KubernetesDeployerWorld) -> None:
        """The same version, whose pods still run; Argo reverts a Rollout itself."""
        world.deployer.apply(world.workload(1))
        world.converge()
        live = web(world)["spec"]["template"]
        world.deployer.apply(replace(world.workload(2), config={"COLOUR": "red"}))

        for _ in range(2):
            world.deployer.revert(release_of(world.workload(1)), instead_of=2)

        found = web(world)
        if world.kind is Kind.ROLLOUT:
            assert requested_release(found) == 2
            return
        assert found["spec"]["template"] == live
        assert [one.release for one in world.deployer.running() if one.app == world.app] == [
            2
        ]  # the number that removal compares

    def test_the_variables_of_a_release_are_kept_as_long_as_it_may_serve(self, world: KubernetesDeployerWorld) -> None:
        """After a failure those of the live release are needed; a newer live release needs only its own."""

        def kept() -> set[int]:
            place = world.place
            return {release for release in (1, 2, 3) if world.api.read(place.path("Secret", config_name(release)))}

        for release in (1, 2):
            world.deployer.apply(world.workload(release))
        world.deployer.sync_processes(world.app, "production", 1)
        world.deployer.revert(release_of(world.workload(1)), instead_of=2)
        assert kept() == {1, 2}
        world.deployer.apply(world.workload(3))
        assert kept() == {1, 2, 3}

        for _ in range(2):
            world.deployer.sync_processes(world.app, "production", 3)
        assert kept() == {3}

    def test_a_newer_release_is_not_replaced(self, world: KubernetesDeployerWorld) -> None:
        """Even when the older one's end is reported late."""
        world.deployer.apply(world.workload(1))
        world.deployer.apply(world.workload(3))

        world.deployer.revert(release_of(world.workload(1)), instead_of=2)

        assert requested_release(web(world)) == 3

    def test_a_concurrent_change_is_not_overwritten(self, world: KubernetesDeployerWorld) -> None:
        """A newer release may be requested between read and write."""
        world.deployer.apply(world.workload(1))
        world.deployer.apply(world.workload(2))
        if world.kind is Kind.ROLLOUT:
            return
        rival = KubernetesDeployerWorld(world.api, world.kind, app=world.app, shared=world.shared)
        original = world.api.read

        def meanwhile(path: str) -> Object | None:
            found = original(path)
            if path == world.web:
                world.api.__dict__.pop("read", None)
                rival.deployer.apply(rival.workload(3))
            return found

        world.api.__dict__["read"] = meanwhile
        with pytest.raises(Unavailable):
            world.deployer.revert(release_of(world.workload(1)), instead_of=2)

        assert requested_release(web(world)) == 3
