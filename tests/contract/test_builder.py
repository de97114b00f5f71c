"""Builder: the fake, the table of orders and Tekton fulfil the same contract."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from functions.common.adapters.addresses import git_hosts
from functions.common.adapters.kubernetes.api import KubernetesApi
from functions.common.adapters.local.builder import LocalBuilder
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.tekton.builder import Pipeline, TektonBuilder
from functions.common.adapters.tekton.runs import is_deleting
from functions.common.domain.build import BuildOrder, BuildState
from functions.common.errors import Rejected, Unavailable
from tests.contract.builder import BuilderContract, BuilderWorld, an_order, state, taken
from tests.contract.deliveries import NOWHERE
from tests.fakes.builder import FakeBuilder
from tests.fakes.loopback_kubernetes import LoopbackKubernetes, api_at, loopback_kubernetes
from tests.real_kubernetes import has_controllers, real_api, real_namespace, set_status


class _FakeWorld:
    def __init__(self) -> None:
        self.builder = FakeBuilder()

    def ordered(self) -> list[str]:
        return list(self.builder.orders)

    def unbuildable(self) -> BuildOrder:
        self.builder.unbuildable = "b" * 40
        return an_order(sha="b" * 40)

    def begin(self, name: str) -> None:
        """Every build runs."""

    def fail(self, name: str) -> None:
        self.builder.failed.add(name)

    def collect(self, name: str) -> None:
        """Nothing is being deleted."""


class _LocalWorld:
    def __init__(self, url: str) -> None:
        self._database = Postgres(url)
        self.builder = LocalBuilder(database=self._database)

    def ordered(self) -> list[str]:
        return [row[0] for row in self._database.run("select name from platform.builds order by sequence")]

    def unbuildable(self) -> BuildOrder:
        return an_order(sha="main")

    def begin(self, name: str) -> None:
        running = "update platform.builds set state = 'running', lease_until = now() + interval '1 minute'"
        self._database.run(f"{running} where name = :name", name=name)

    def fail(self, name: str) -> None:
        ended = "update platform.builds set state = 'failed', ended_at = now() where name = :name"
        self._database.run(ended, name=name)

    def collect(self, name: str) -> None:
        """Nothing is being deleted."""


class _TektonWorld:
    def __init__(self, api: KubernetesApi, namespace: str) -> None:
        self.api, self.namespace = api, namespace
        hosts = git_hosts(internal=(), trusted=("https://forge.example.org",))
        pipeline = Pipeline(registry="registry.example.org")
        self.builder = TektonBuilder(api=api, namespace=namespace, pipeline=pipeline, hosts=hosts)

    def ordered(self) -> list[str]:
        runs = self.api.items(self.path(), {"slipway.dev/app": "hello"})
        return [run["metadata"]["name"] for run in runs]

    def unbuildable(self) -> BuildOrder:
        return an_order(sha="main")

    def begin(self, name: str) -> None:
        """Every run begins when it is created."""

    def fail(self, name: str) -> None:
        condition = {"type": "Succeeded", "status": "False", "reason": "Failed", "message": "no"}
        set_status(self.api, self.path(name), {"conditions": [condition]})

    def collect(self, name: str) -> None:
        run = self.api.read(self.path(name))
        if run and is_deleting(run) and not has_controllers(self.api):
            self.api.merge(self.path(name), {"metadata": {"finalizers": None}})

    def own(self, name: str, plural: str, kubernetes: LoopbackKubernetes) -> str:
        run = kubernetes.objects[self.path(name)]
        owner = {"kind": "PipelineRun", "name": name, "uid": run["metadata"]["uid"], "blockOwnerDeletion": True}
        path = f"{self.path().removesuffix('pipelineruns')}{plural}/{name}-build"
        kubernetes.objects[path] = {"kind": "TaskRun", "metadata": {"name": name, "ownerReferences": [owner]}}
        return path

    def path(self, name: str = "") -> str:
        return f"/apis/tekton.dev/v1/namespaces/{self.namespace}/pipelineruns/{name}".rstrip("/")


class TestFake(BuilderContract):
    """In memory."""

    @pytest.fixture
    def world(self) -> BuilderWorld:
        """Return a builder without orders."""
        return _FakeWorld()


class TestLocal(BuilderContract):
    """In a real database."""

    @pytest.fixture
    def world(self, database: str) -> BuilderWorld:
        """Return a builder without orders."""
        return _LocalWorld(database)


@pytest.fixture
def kubernetes() -> Iterator[LoopbackKubernetes]:
    """Yield an API server with a namespace for builds."""
    with loopback_kubernetes("builds") as server:
        yield server


class TestTekton(BuilderContract):
    """PipelineRuns, by HTTP on this machine."""

    @pytest.fixture
    def world(self, kubernetes: LoopbackKubernetes) -> BuilderWorld:
        """Return a builder without orders."""
        return _TektonWorld(kubernetes.api, "builds")

    def test_cancelling_a_run_that_has_ended_is_no_error(self, kubernetes: LoopbackKubernetes) -> None:
        """Tekton refuses changes of a finished run."""
        world = _TektonWorld(kubernetes.api, "builds")
        world.builder.start(an_order())
        condition = {"type": "Succeeded", "status": "True", "reason": "Succeeded"}
        kubernetes.objects[world.path("hello-1")]["status"] = {"conditions": [condition]}
        kubernetes.refusals = [(400, "Once the PipelineRun is complete, no updates are allowed")]

        world.builder.cancel("hello-1")

        seen = world.builder.observe("hello-1")
        assert seen
        assert seen.state is BuildState.SUCCEEDED

    def test_a_running_build_that_cannot_be_cancelled_is_rejected(self, kubernetes: LoopbackKubernetes) -> None:
        """It is an error that an operator should see."""
        world = _TektonWorld(kubernetes.api, "builds")
        world.builder.start(an_order())
        kubernetes.refusals = [(403, "forbidden")]

        with pytest.raises(Rejected, match="Role"):
            world.builder.cancel("hello-1")

    def test_the_run_of_another_push_is_deleted_before_the_new_one_is_created(
        self, kubernetes: LoopbackKubernetes
    ) -> None:
        """With its task runs: Tekton would take them for those of the new run."""
        world = _TektonWorld(kubernetes.api, "builds")
        world.builder.start(an_order())
        world.fail("hello-1")
        task = world.own("hello-1", "taskruns", kubernetes)

        with pytest.raises(Unavailable, match="hello-1 is being deleted"):
            world.builder.start(an_order(push="p2"))
        with pytest.raises(Unavailable, match="hello-1 is being deleted"):
            world.builder.start(an_order(push="p2"))
        del kubernetes.objects[task], kubernetes.objects[world.path("hello-1")]  # as the garbage collector would
        world.builder.start(an_order(push="p2"))

        assert [method for method, _ in kubernetes.calls].count("DELETE") == 1
        assert state(world.builder) is BuildState.RUNNING
        assert kubernetes.objects[world.path("hello-1")]["metadata"]["annotations"]["slipway.dev/push"] == "p2"

    def test_concurrent_deliveries_reuse_a_name_once(self, kubernetes: LoopbackKubernetes) -> None:
        """None of them deletes the run that another has just created."""
        world = _TektonWorld(kubernetes.api, "builds")
        world.builder.start(an_order())
        world.fail("hello-1")
        before = kubernetes.version
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: taken(world, an_order(push="p2")), range(16)))

        assert state(world.builder) is BuildState.RUNNING
        assert kubernetes.version == before + 1

    @pytest.mark.parametrize("push", ["p1", "p2"])
    def test_a_run_that_is_being_deleted_is_unavailable(self, kubernetes: LoopbackKubernetes, push: str) -> None:
        """For every push: the name is free again soon."""
        world = _TektonWorld(kubernetes.api, "builds")
        world.builder.start(an_order())
        kubernetes.objects[world.path("hello-1")]["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"

        with pytest.raises(Unavailable, match="is being deleted: try again"):
            world.builder.start(an_order(push=push))

    def test_a_run_that_is_being_cancelled_is_no_build_of_another_push(self, kubernetes: LoopbackKubernetes) -> None:
        """Its end is not that push's."""
        world = _TektonWorld(kubernetes.api, "builds")
        world.builder.start(an_order())
        world.builder.cancel("hello-1")
        world.builder.start(an_order())

        with pytest.raises(Unavailable, match="is being deleted: try again"):
            world.builder.start(an_order(push="p2"))
        world.fail("hello-1")
        world.builder.start(an_order(push="p2"))

        assert state(world.builder) is BuildState.RUNNING
        assert "status" not in kubernetes.objects[world.path("hello-1")]["spec"]

    def test_an_order_costs_one_call(self, kubernetes: LoopbackKubernetes) -> None:
        """Every push needs it."""
        _TektonWorld(kubernetes.api, "builds").builder.start(an_order())

        assert kubernetes.calls == [("POST", "/apis/tekton.dev/v1/namespaces/builds/pipelineruns")]

    @pytest.mark.parametrize("status", [401, 429, 500, 503])
    def test_a_temporary_failure_is_unavailable(self, kubernetes: LoopbackKubernetes, status: int) -> None:
        """The broker tries again."""
        kubernetes.refusals = [(status, "busy")]

        with pytest.raises(Unavailable, match=str(status)):
            _TektonWorld(kubernetes.api, "builds").builder.start(an_order())


@pytest.mark.cluster
class TestRealTekton(BuilderContract):
    """PipelineRuns, on a real API server with Tekton's CRDs."""

    @pytest.fixture
    def world(self) -> Iterator[BuilderWorld]:
        """Yield a builder without orders."""
        api = real_api()
        with real_namespace(api, "builder") as namespace:
            yield _TektonWorld(api, namespace)

    def test_an_end_is_observed(self, world: _TektonWorld) -> None:
        """In the form that its controller writes."""
        world.builder.start(an_order())
        world.builder.cancel("hello-1")
        condition = {"type": "Succeeded", "status": "False", "reason": "Cancelled", "message": "cancelled"}
        set_status(world.api, world.path("hello-1"), {"conditions": [condition]})

        seen = world.builder.observe("hello-1")
        assert seen
        assert seen.state is BuildState.CANCELLED


def test_an_outage_is_unavailable() -> None:
    for builder in (LocalBuilder(database=Postgres(NOWHERE)), _TektonWorld(api_at("http://127.0.0.1:1"), "b").builder):
        with pytest.raises(Unavailable):
            builder.start(an_order())


def test_a_folder_is_a_parameter_of_the_run_and_its_image_has_a_tag_of_its_own(kubernetes: LoopbackKubernetes) -> None:
    world = _TektonWorld(kubernetes.api, "builds")
    world.builder.start(replace(an_order(name="hello-2"), root="services/web"))
    world.builder.start(an_order())

    def parameters(name: str) -> dict[str, str]:
        return {one["name"]: one["value"] for one in kubernetes.objects[world.path(name)]["spec"]["params"]}

    assert parameters("hello-2")["root"] == "services/web"
    assert parameters("hello-2")["image"] != parameters("hello-1")["image"]
    assert "root" not in parameters("hello-1")
