"""What the cluster's deployer does beyond the contract: release commands, races, secrets, hosts."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from functions.common.adapters.kubernetes.names import Kind
from functions.common.adapters.kubernetes.record import config_name
from functions.common.adapters.kubernetes.reports import KubernetesWorkloadReports
from functions.common.errors import Unavailable
from functions.common.events.envelope import Envelope
from functions.common.ports.deployer import RunningWorkload
from tests.contract.kubernetes_deployer_world import KubernetesDeployerWorld, a_workload
from tests.fakes.loopback_kubernetes import LoopbackKubernetes, Object, loopback_kubernetes

STAGED = {"web": "python app.py", "release": "python migrate.py"}


@pytest.fixture
def server() -> Iterator[LoopbackKubernetes]:
    with loopback_kubernetes("projects") as running:
        yield running


@pytest.fixture
def reports(server: LoopbackKubernetes) -> KubernetesWorkloadReports:
    return KubernetesWorkloadReports(api=server.api)


@pytest.fixture
def world(server: LoopbackKubernetes) -> KubernetesDeployerWorld:
    return KubernetesDeployerWorld(server.api, Kind.ROLLOUT)


def reported(found: Object) -> Envelope:
    """Return the event in which an ApiServerSource reports an object."""
    return Envelope(id="1", source="/", type="dev.knative.apiserver.resource.update", subject="/", time="", data=found)


def test_a_release_command_runs_first_and_its_end_lets_the_release_go_on(
    server: LoopbackKubernetes, world: KubernetesDeployerWorld, reports: KubernetesWorkloadReports
) -> None:
    world.deployer.apply(a_workload(1, processes=STAGED))
    (job,) = server.of_kind("Job")
    assert job["spec"]["template"]["spec"]["containers"][0]["command"] == ["/bin/sh", "-c", "python migrate.py"]
    assert (server.of_kind("Rollout"), reports.prepared(reported(job)), reports.changed(reported(job))) == (
        [],
        None,
        None,
    )
    world.deployer.continue_release("hello", "production", 1)
    assert server.of_kind("Rollout") == []

    world.job_says(1, "Complete")
    (job,) = server.of_kind("Job")
    assert reports.prepared(reported(job)) == ("hello", "production", 1)
    assert world.deployer.observe("hello", "production") is None  # who waits asks again, should the event be lost
    world.deployer.continue_release("hello", "production", 1)

    (rollout,) = server.of_kind("Rollout")
    assert rollout["spec"]["template"]["metadata"]["annotations"]["slipway.dev/release"] == "1"


def test_asking_again_goes_on_too_and_never_runs_the_command_twice(
    server: LoopbackKubernetes, world: KubernetesDeployerWorld
) -> None:
    staged = a_workload(1, processes=STAGED)
    world.deployer.apply(staged)
    world.job_says(1, "Complete")
    world.deployer.apply(staged)
    assert len(server.of_kind("Rollout")) == 1
    server.objects = {path: found for path, found in server.objects.items() if found["kind"] != "Job"}

    world.deployer.apply(staged)
    world.deployer.continue_release("hello", "production", 1)

    assert server.of_kind("Job") == []


def test_a_failed_release_command_stops_the_release(
    server: LoopbackKubernetes, world: KubernetesDeployerWorld, reports: KubernetesWorkloadReports
) -> None:
    world.deployer.apply(a_workload(1, processes=STAGED))
    world.job_says(1, "Failed")
    (job,) = server.of_kind("Job")

    report = reports.changed(reported(job))
    world.deployer.continue_release("hello", "production", 1)

    assert report
    assert (report.phase, report.step, report.release, report.push) == ("failed", "release command", 1, "push-1")
    assert report.reason == "it has reached its limit"
    assert world.deployer.observe("hello", "production") == report
    assert (server.of_kind("Rollout"), reports.prepared(reported(job))) == ([], None)


def test_of_two_first_releases_at_once_the_loser_is_asked_again(
    server: LoopbackKubernetes, world: KubernetesDeployerWorld
) -> None:
    world.deployer.apply(a_workload(2))
    path = world.place.path("Secret", "wanted")
    record = server.objects.pop(path)
    slow = KubernetesDeployerWorld(server.api, Kind.ROLLOUT).deployer
    server.refusals = [(200, "")] * 0
    original = server.api.create

    def meanwhile(collection: str, body: Object) -> bool:
        server.objects[path] = record
        return original(collection, body)

    slow.api.__dict__["create"] = meanwhile
    with pytest.raises(Unavailable, match="meets a concurrent change"):
        slow.apply(a_workload(1))

    world.deployer.apply(a_workload(1))
    (rollout,) = server.of_kind("Rollout")
    assert rollout["metadata"]["annotations"]["slipway.dev/release"] == "2"


def test_secrets_are_in_secrets_alone(server: LoopbackKubernetes, world: KubernetesDeployerWorld) -> None:
    world.deployer.apply(a_workload(1))

    others = [found for found in server.objects.values() if found["kind"] != "Secret"]
    assert "s3cret" not in json.dumps(others)


def test_each_release_has_the_environment_that_it_was_asked_for_with(
    server: LoopbackKubernetes, world: KubernetesDeployerWorld
) -> None:
    for release, config in ((1, {"A": "1"}), (2, {"A": "2"})):
        world.deployer.apply(a_workload(release, config=config))

    secrets = {found["metadata"]["name"]: found["data"] for found in server.of_kind("Secret")}
    (rollout,) = server.of_kind("Rollout")
    (source,) = rollout["spec"]["template"]["spec"]["containers"][0]["envFrom"]
    assert (secrets[config_name(1)], secrets[config_name(2)]) == ({"A": "MQ=="}, {"A": "Mg=="})
    assert source == {"secretRef": {"name": config_name(2)}}


def test_an_app_keeps_its_kind_whatever_the_setting_says_later(server: LoopbackKubernetes) -> None:
    KubernetesDeployerWorld(server.api, Kind.DEPLOYMENT).deployer.apply(a_workload(1))
    KubernetesDeployerWorld(server.api, Kind.ROLLOUT).deployer.apply(a_workload(2))

    assert server.of_kind("Rollout") == []
    assert {found["metadata"]["name"] for found in server.of_kind("Deployment")} == {"web"}


def test_other_processes_follow_the_live_release(server: LoopbackKubernetes, world: KubernetesDeployerWorld) -> None:
    def others() -> dict[str, str]:
        found = [one["metadata"] for one in server.of_kind("Deployment")]
        return {one["name"]: one["annotations"]["slipway.dev/release"] for one in found if one["name"] != "web"}

    world.deployer.apply(a_workload(1))
    asked = others()
    world.deployer.sync_processes("hello", "production", 1)
    first = others()
    world.deployer.apply(a_workload(2, processes={"web": "python app.py", "clock": "python tick.py"}))
    world.deployer.sync_processes("hello", "production", 1)

    assert (asked, first, others()) == ({}, {"worker": "1"}, {"worker": "1"})
    world.deployer.sync_processes("hello", "production", 2)
    assert others() == {"clock": "2"}


def test_a_record_of_an_earlier_slipway_keeps_the_processes_that_run(
    server: LoopbackKubernetes, world: KubernetesDeployerWorld
) -> None:
    """One of each type ran until it was scaled."""
    world.deployer.apply(a_workload(1))
    secret = world.place.path("Secret", "wanted")
    body = server.api.read(secret) or {}
    record = json.loads(base64.b64decode(body["data"]["record"]))
    del record["counted"]
    server.api.merge(secret, {"data": {"record": base64.b64encode(json.dumps(record).encode()).decode()}})

    world.deployer.sync_processes("hello", "production", 1)

    (worker,) = [one for one in server.of_kind("Deployment") if one["metadata"]["name"] == "worker"]
    assert worker["spec"]["replicas"] == 1


@pytest.mark.parametrize("refused", [Kind.ROLLOUT, Kind.KNATIVE])
def test_an_app_whose_web_process_never_ran_takes_the_kind_that_the_setting_says_now(
    server: LoopbackKubernetes, refused: Kind
) -> None:
    before = KubernetesDeployerWorld(server.api, refused)
    before.deployer.apply(a_workload(1))
    server.api.delete(before.web)  # as it is when the cluster refused it

    KubernetesDeployerWorld(server.api, Kind.DEPLOYMENT).deployer.apply(a_workload(2))

    assert "web" in {found["metadata"]["name"] for found in server.of_kind("Deployment")}
    assert [server.of_kind(kind) for kind in ("Rollout", "DomainMapping")] == [[], []]


def test_a_removed_domain_loses_its_mapping(server: LoopbackKubernetes) -> None:
    world = KubernetesDeployerWorld(server.api, Kind.KNATIVE)
    world.deployer.apply(a_workload(1))
    world.deployer.apply(a_workload(2, hosts=("hello.example.org",)))

    assert [found["metadata"]["name"] for found in server.of_kind("DomainMapping")] == ["hello.example.org"]


def test_a_rollout_moves_by_the_workloads_steps(server: LoopbackKubernetes, world: KubernetesDeployerWorld) -> None:
    world.deployer.apply(a_workload(1))

    (rollout,) = server.of_kind("Rollout")
    weights = [step["setWeight"] for step in rollout["spec"]["strategy"]["canary"]["steps"] if "setWeight" in step]
    assert weights == [10, 25, 50, 100]
    assert (rollout["spec"]["rollbackWindow"], rollout["spec"]["progressDeadlineAbort"]) == ({"revisions": 3}, True)


def test_what_runs_is_listed(world: KubernetesDeployerWorld) -> None:
    world.deployer.apply(a_workload(3))
    world.deployer.apply(replace(a_workload(1), environment="feature-x", label="feature-x--hello"))

    assert world.deployer.running() == (
        RunningWorkload(app="hello", environment="feature-x", release=1),
        RunningWorkload(app="hello", environment="production", release=3),
    )


def test_a_second_release_costs_few_calls(server: LoopbackKubernetes, world: KubernetesDeployerWorld) -> None:
    world.deployer.apply(a_workload(1))
    server.calls.clear()
    world.deployer.apply(a_workload(2))

    assert len(server.calls) <= 7, server.calls
