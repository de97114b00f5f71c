"""BuildQueue: the table of orders and Tekton say which builds run and which wait, in the order in which they begin."""

from collections.abc import Iterator
from typing import Any

import pytest

from functions.common.adapters.addresses import git_hosts
from functions.common.adapters.local.builder import LocalBuilder
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.tekton.builder import Pipeline, TektonBuilder
from functions.common.adapters.tekton.queue import TektonQueue
from functions.common.domain.build import BuildState, UnfinishedBuild
from tests.contract.builder import an_order
from tests.fakes.loopback_kubernetes import LoopbackKubernetes, loopback_kubernetes

NAMES = ["hello-1", "hello-2", "hello-3", "hello-4"]
RUNS = "/apis/tekton.dev/v1/namespaces/builds/pipelineruns"
PODS = "/api/v1/namespaces/builds/pods"
NO_ROOM = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: no memory"}


def shown(queue: LocalBuilder | TektonQueue) -> list[tuple[str, bool, str]]:
    return [(one.name, one.is_running, one.reason) for one in queue.unfinished()]


def test_orders_of_one_machine_run_and_wait(database: str) -> None:
    table = Postgres(database)
    builder = LocalBuilder(database=table)
    for name in NAMES:
        builder.start(an_order(name))
    running = "update platform.builds set state = 'running', lease_until = now() + interval '1 minute'"
    table.run(f"{running} where name = 'hello-3'")
    table.run("update platform.builds set state = 'running', lease_until = null where name = 'hello-2'")  # requeued
    table.run("update platform.builds set state = 'failed', ended_at = now() where name = 'hello-1'")

    assert shown(builder) == [("hello-3", True, ""), ("hello-2", False, ""), ("hello-4", False, "")]
    assert builder.unfinished()[0] == UnfinishedBuild(name="hello-3", app="hello", is_running=True)
    table.close()


def test_an_order_that_waits_ends_at_once_when_it_is_cancelled(database: str) -> None:
    table = Postgres(database)
    builder = LocalBuilder(database=table)
    for name in NAMES[:3]:
        builder.start(an_order(name))
    running = "update platform.builds set state = 'running', lease_until = now() + interval '1 minute'"
    table.run(f"{running} where name = 'hello-1'")

    for name in (*NAMES[:2], "unknown", NAMES[1]):
        builder.cancel(name)

    assert shown(builder) == [("hello-1", True, ""), ("hello-3", False, "")]
    seen = builder.observe("hello-2")
    assert seen
    assert (seen.state, seen.reason) == (BuildState.CANCELLED, "cancelled before it began")
    assert table.run("select name from platform.builds where cancelled order by name") == [["hello-1"], ["hello-2"]]
    table.close()


@pytest.fixture
def kubernetes() -> Iterator[LoopbackKubernetes]:
    """Yield an API server with a namespace for builds, where runs of NAMES were created one after another."""
    with loopback_kubernetes("builds") as server:
        hosts = git_hosts(internal=(), trusted=("https://forge.example.org",))
        pipeline = Pipeline(registry="registry.example.org")
        builder = TektonBuilder(api=server.api, namespace="builds", pipeline=pipeline, hosts=hosts)
        for minute, name in enumerate(NAMES):
            builder.start(an_order(name))
            server.objects[f"{RUNS}/{name}"]["metadata"]["creationTimestamp"] = f"2026-01-02T03:0{minute}:00Z"
        yield server


def pod(kubernetes: LoopbackKubernetes, run: str, task: str, phase: str, *conditions: dict[str, str]) -> None:
    """Let Tekton make the pod of a task."""
    labels = {"tekton.dev/pipeline": "slipway-build", "tekton.dev/pipelineRun": run, "tekton.dev/taskRun": task}
    made: dict[str, Any] = {"kind": "Pod", "metadata": {"name": f"{run}-{task}", "labels": labels}}
    kubernetes.objects[f"{PODS}/{run}-{task}"] = {**made, "status": {"phase": phase, "conditions": list(conditions)}}


def test_runs_of_tekton_wait_until_their_first_pod_runs(kubernetes: LoopbackKubernetes) -> None:
    queue = TektonQueue(api=kubernetes.api, namespace="builds")
    pod(kubernetes, "hello-1", "build", "Pending", NO_ROOM)
    pod(kubernetes, "hello-2", "build", "Pending", {"type": "PodScheduled", "status": "True"})
    pod(kubernetes, "hello-4", "fetch", "Succeeded")
    pod(kubernetes, "hello-4", "build", "Pending", NO_ROOM)

    assert shown(queue) == [
        ("hello-4", True, ""),
        ("hello-1", False, "its pod waits for room on a node: 0/1 nodes: no memory"),
        ("hello-2", False, "its pod is being prepared"),
        ("hello-3", False, "Tekton has not made its pod yet"),
    ]


def test_runs_of_tekton_that_have_ended_are_in_no_queue(kubernetes: LoopbackKubernetes) -> None:
    for name in NAMES:
        ended = [{"type": "Succeeded", "status": "True", "reason": "Succeeded"}]
        kubernetes.objects[f"{RUNS}/{name}"]["status"] = {"conditions": ended}

    assert shown(TektonQueue(api=kubernetes.api, namespace="builds")) == []
