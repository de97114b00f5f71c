"""Tekton's events twice, late, out of order, and of other ends than the first: one build is one release."""

import copy
import json
import time
from typing import Any

import pytest

from tests.cluster.kit.broker_ingress import broker_ingress
from tests.cluster.kit.install import BUILDS
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.user import User

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]
APP = "tekton"
TYPE = "dev.tekton.event.pipelinerun.{}.v1"
SETTLED = 8  # seconds in which an event has gone round by far


def run_of(kubectl: Kubectl, sha: str) -> dict[str, Any]:
    runs: list[dict[str, Any]] = json.loads(kubectl("get", "pipelineruns", "-n", BUILDS, "-o", "json"))["items"]
    (run,) = (run for run in runs if sha[:12] in run["metadata"]["name"])
    return run


def ended(run: dict[str, Any], status: str, reason: str) -> dict[str, Any]:
    """Return the run as if it had ended like this."""
    other = copy.deepcopy(run)
    other["status"]["conditions"] = [{"type": "Succeeded", "status": status, "reason": reason, "message": "given"}]
    return {"pipelineRun": other}


def test_what_tekton_tells_again_or_otherwise_makes_no_second_release(user: User, kubectl: Kubectl) -> None:
    sha = user.deploy({"more.txt": "reported often\n"})
    run, before = run_of(kubectl, sha), user.paas_json("releases")
    send = broker_ingress(kubectl).send
    for _ in range(2):
        send(TYPE.format("successful"), {"pipelineRun": run})
    send(TYPE.format("running"), ended(run, "Unknown", "Running"))
    send(TYPE.format("failed"), ended(run, "False", "Cancelled"))
    send(TYPE.format("failed"), ended(run, "False", "PipelineRunTimeout"))
    send(TYPE.format("successful"), {"pipelineRun": run})
    time.sleep(SETTLED)

    assert user.paas_json("releases") == before
    assert user.ended(sha, "live")["final"]
    assert sha in user.get()[1]


def test_ends_by_cancel_and_by_time_are_told_apart(user: User, kubectl: Kubectl) -> None:
    sha = user.commit({"more.txt": "takes too long\n"})
    user.push()
    name = ""
    while not name:
        found = kubectl("get", "pipelineruns", "-n", BUILDS, "-o", "jsonpath={.items[*].metadata.name}").split()
        name = next((one for one in found if sha[:12] in one), "")
    kubectl("patch", "pipelinerun", name, "-n", BUILDS, "--type=merge", "-p", '{"spec":{"status":"Cancelled"}}')
    failed = user.ended(sha, "failed")
    assert "cancelled" in failed["reason"]
