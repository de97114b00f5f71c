"""One-off commands on a cluster: the Job, its output and end as its pod has them."""

import base64
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from functions.common.adapters.encryption import FernetCipher
from functions.common.adapters.kubernetes.api import Object
from functions.common.adapters.kubernetes.names import Kind, Runtime
from functions.common.adapters.kubernetes.runs import ONE_OFF, RUN, KubernetesOneOffRunner, KubernetesRunConsole
from functions.common.errors import Rejected
from functions.common.ports.runs import Run
from tests.contract.kubernetes_deployer_world import KubernetesDeployerWorld
from tests.contract.reverts import release_of
from tests.fakes.loopback_kubernetes import loopback_kubernetes
from tests.real_kubernetes import real_api, real_namespace


class Cluster:
    """A cluster with release 1 of an app."""

    def __init__(self, world: KubernetesDeployerWorld, namespace: str) -> None:
        self.world, self.api, self.place = world, world.api, world.place
        self.release = release_of(world.workload(1))
        self.runner = KubernetesOneOffRunner(
            api=world.api, runtime=Runtime(shared_namespace=namespace), cipher=FernetCipher()
        )
        self.console = KubernetesRunConsole(api=world.api, shared_namespace=namespace)
        self.run = Run(
            id=str(uuid.uuid4()),
            app=world.app,
            environment="production",
            release=1,
            command=("python", "manage.py", "it's"),
            actor="ann",
            seconds=90,
        )

    @property
    def path(self) -> str:
        """The path of the run's Job."""
        return f"{self.place.collection('Job')}/{self.place.name(f'run-{self.run.id}')}"

    def job(self) -> Object:
        """Return the run's Job."""
        found = self.api.read(self.path)
        assert found
        return found

    def pod(self, state: Object, phase: str = "Running", *, reason: str = "") -> None:
        """Create the Job's pod as its controller does, in a state."""
        template = self.job()["spec"]["template"]
        path, name = f"/api/v1/namespaces/{self.place.namespace}/pods", f"run-{self.run.id}"
        metadata = {"name": name, "namespace": self.place.namespace, "labels": template["metadata"]["labels"]}
        containers = [{"name": ONE_OFF, "image": "registry.example.org/none"}]
        spec = {"containers": containers, "restartPolicy": "Never"}
        self.api.create(path, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        image = {"image": "none", "imageID": "", "ready": False, "restartCount": 0}
        statuses = [{"name": ONE_OFF, "state": state, **image}]
        assert self.api.merge(
            f"{path}/{name}/status", {"status": {"phase": phase, "reason": reason, "containerStatuses": statuses}}
        )


@pytest.fixture(params=["loopback", pytest.param("real", marks=pytest.mark.cluster)])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    if request.param == "loopback":
        with loopback_kubernetes("projects") as server:
            yield Cluster(KubernetesDeployerWorld(server.api, Kind.DEPLOYMENT, shared="projects"), "projects")
        return
    api = real_api()
    with real_namespace(api, "runs") as namespace:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        api.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", account)  # no controller makes it here
        yield Cluster(KubernetesDeployerWorld(api, Kind.DEPLOYMENT, shared=namespace), namespace)


def test_a_run_is_a_job_that_the_cluster_ends_and_removes(cluster: Cluster) -> None:
    cluster.world.deployer.apply(cluster.world.workload(1))
    for _ in range(2):
        cluster.runner.start(cluster.run, cluster.release, given=None)

    spec = cluster.job()["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    assert (spec["backoffLimit"], spec["ttlSecondsAfterFinished"]) == (0, 600)
    assert spec["template"]["spec"]["activeDeadlineSeconds"] == 90  # the pod's own limit keeps its output
    assert spec["activeDeadlineSeconds"] > 90
    assert container["command"] == ["/bin/sh", "-c", "python manage.py 'it'\"'\"'s'"]
    assert container["envFrom"] == [{"secretRef": {"name": cluster.place.name("config-1")}}]
    assert container["image"].endswith(cluster.release.digest)
    assert "PORT" not in {one["name"] for one in container["env"]}
    assert cluster.job()["metadata"]["labels"][RUN] == cluster.run.id

    cluster.runner.stop(cluster.run)
    assert cluster.job()["spec"]["activeDeadlineSeconds"] == 1


def test_a_buildpacks_image_starts_commands_by_its_launcher(cluster: Cluster) -> None:
    workload = cluster.world.workload(1, processes={"web": "/cnb/process/web"})
    cluster.world.deployer.apply(workload)
    cluster.runner.start(cluster.run, release_of(workload), given=None)

    (container,) = cluster.job()["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["/cnb/lifecycle/launcher", "--", *cluster.run.command]


def test_where_nothing_runs_a_command_is_refused(cluster: Cluster) -> None:
    with pytest.raises(Rejected, match="deploy it first"):
        cluster.runner.start(cluster.run, cluster.release, given=None)
    cluster.runner.stop(cluster.run)


@pytest.mark.parametrize(
    ("state", "phase", "code", "reason"),
    [
        ({"running": {}}, "Running", None, ""),
        ({"terminated": {"exitCode": 0, "reason": "Completed"}}, "Succeeded", 0, ""),
        ({"terminated": {"exitCode": 7, "reason": "Error"}}, "Failed", 7, ""),
        ({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}, "Failed", 137, "OOMKilled"),
    ],
)
def test_the_end_is_that_of_the_pods_container(
    cluster: Cluster, state: Object, phase: str, code: int | None, reason: str
) -> None:
    cluster.world.deployer.apply(cluster.world.workload(1))
    cluster.runner.start(cluster.run, cluster.release, given=None)
    assert cluster.console.read(cluster.run, 0).exit_code is None
    cluster.pod(state, phase)

    found = cluster.console.read(cluster.run, 2**40)

    assert (found.exit_code, found.reason) == (code, reason)


def test_input_is_a_file_that_goes_with_the_job(cluster: Cluster) -> None:
    cluster.world.deployer.apply(cluster.world.workload(1))
    for _ in range(2):
        cluster.runner.start(cluster.run, cluster.release, given=b"b\na\n\0")

    secret = cluster.api.read(f"{cluster.place.collection('Secret')}/{cluster.place.name(f'run-{cluster.run.id}')}")
    assert secret
    assert base64.b64decode(secret["data"]["input"]) == b"b\na\n\0"
    (owner,) = secret["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Job", cluster.job()["metadata"]["uid"])
    spec = cluster.job()["spec"]["template"]["spec"]
    assert spec["volumes"][0]["secret"]["secretName"] == secret["metadata"]["name"]
    (container,) = spec["containers"]
    assert container["command"][-1].endswith(f" < {container['volumeMounts'][0]['mountPath']}/input")


@pytest.mark.parametrize("is_stopped", [False, True])
def test_the_end_of_a_job_without_a_pod_is_that_of_the_job(cluster: Cluster, *, is_stopped: bool) -> None:
    cluster.world.deployer.apply(cluster.world.workload(1))
    cluster.runner.start(cluster.run, cluster.release, given=None)
    if is_stopped:
        cluster.runner.stop(cluster.run)
    assert cluster.console.read(cluster.run, 0).exit_code is None
    time = "2026-01-02T03:04:05Z"
    failed = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "lastTransitionTime": time}
    conditions = [{**failed, "type": "FailureTarget"}, failed]
    assert cluster.api.merge(f"{cluster.path}/status", {"status": {"startTime": time, "conditions": conditions}})

    found = cluster.console.read(cluster.run, 0)

    wanted = "it was stopped" if is_stopped else "it did not end within 90 seconds"
    assert (found.exit_code, found.reason.startswith(wanted)) == (143, True)


def test_a_pod_over_its_limit_says_so_after_its_output(cluster: Cluster) -> None:
    cluster.world.deployer.apply(cluster.world.workload(1))
    cluster.runner.start(cluster.run, cluster.release, given=None)
    ended = {"terminated": {"exitCode": 137, "reason": "Error"}}
    cluster.pod(ended, "Failed", reason="DeadlineExceeded")

    found = cluster.console.read(cluster.run, 2**40)

    assert (found.exit_code, "within 90 seconds" in found.reason) == (143, True)


def test_a_run_on_a_cluster_reads_no_input_meanwhile(cluster: Cluster) -> None:
    assert not cluster.console.is_interactive
    with pytest.raises(Rejected, match="read no input"):
        cluster.console.write(replace(cluster.run, interactive=True), b"ls\n")
