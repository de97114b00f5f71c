"""Deployer: processes of this machine and objects of a cluster fulfil the same contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.common.adapters.kubernetes.names import Kind
from functions.common.domain.release import Workload
from tests.contract.deployer import DeployerContract, DeployerWorld
from tests.contract.kubernetes_deployer_world import APP, KubernetesDeployerWorld
from tests.contract.reverts import RevertsContract
from tests.contract.scaling import ScalingContract
from tests.fakes.loopback_kubernetes import loopback_kubernetes
from tests.local.rollouts.conftest import controlled
from tests.local.rollouts.world import RolloutWorld, rollout_world
from tests.local.waiting import until
from tests.real_kubernetes import drop_namespace, real_api, real_namespace


class _LocalWorld:
    app = APP

    def __init__(self, machine: RolloutWorld) -> None:
        self._machine = machine
        self.deployer = machine.deployer

    def workload(self, release: int) -> Workload:
        return self._machine.workload(release)

    def converge(self) -> None:
        until(self._has_converged, why="the rollout")

    def _has_converged(self) -> bool:
        report = self.deployer.observe(self.app, "production")
        return report is None or (report.phase in {"live", "failed"} and not self._is_going())

    def _is_going(self) -> bool:
        rows = self._machine.database.run("select 1 from platform.workloads where wanted is null")
        return bool(rows)


class TestLocal(DeployerContract):
    """Processes under a real supervisord behind a real Caddy."""

    @pytest.fixture
    def world(self, database: str, tmp_path: Path) -> Iterator[DeployerWorld]:
        """Return a deployer without workloads."""
        with rollout_world(database, tmp_path / "home", pause=0.0) as machine, controlled(machine):
            yield _LocalWorld(machine)


@pytest.mark.parametrize("shared", ["", "projects"], ids=["own namespaces", "one namespace"])
@pytest.mark.parametrize("kind", list(Kind))
class TestKubernetes(DeployerContract, RevertsContract, ScalingContract):
    """Objects of an API server, by HTTP on this machine; the test is their controller."""

    @pytest.fixture
    def world(self, kind: Kind, shared: str) -> Iterator[KubernetesDeployerWorld]:
        """Return a deployer without workloads."""
        with loopback_kubernetes("projects") as server:
            yield KubernetesDeployerWorld(server.api, kind, shared=shared)


@pytest.mark.cluster
@pytest.mark.parametrize("shared", [False, True], ids=["own namespaces", "one namespace"])
@pytest.mark.parametrize("kind", list(Kind))
class TestRealKubernetes(DeployerContract, RevertsContract, ScalingContract):
    """Objects of a real API server; the test is their controller."""

    @pytest.fixture
    def world(self, kind: Kind, *, shared: bool) -> Iterator[KubernetesDeployerWorld]:
        """Return a deployer without workloads."""
        api = real_api()
        with real_namespace(api, "deployer") as namespace:
            if shared:
                yield KubernetesDeployerWorld(api, kind, shared=namespace)
                return
            # Another app each time: after a namespace is deleted, a server refuses its name for a moment.
            world = KubernetesDeployerWorld(api, kind, app=namespace, end_namespace=drop_namespace)
            yield world
            drop_namespace(api, world.place.namespace)
