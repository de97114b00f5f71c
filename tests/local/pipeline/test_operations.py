"""Deploy, restart, scale and undeploy on a running platform, without a lost request."""

from pathlib import Path
from typing import Any

import pytest

from functions.local.demo.traffic import probing
from tests.local.pipeline.developer import Developer, begin
from tests.local.pipeline.stage import Stage
from tests.local.waiting import until


@pytest.fixture(scope="module")
def dev(stage: Stage) -> Developer:
    developer = begin(stage, "operated")
    developer.deploy()
    return developer


def deployment(dev: Developer) -> dict[str, Any]:
    """Return what the API says of the deployment."""
    found: dict[str, Any] = dev.stage.api(f"/projects/{dev.app}/deploy/status").raise_for_status().json()
    return found


def release(dev: Developer) -> int:
    """Return the number of the live release."""
    return int(deployment(dev)["release"])


def ready(dev: Developer) -> tuple[int, int]:
    """Return how many web processes are ready, and how many are wanted."""
    found = deployment(dev)
    return found["ready_replicas"], found["replicas"]


def test_a_scale_and_a_restart_lose_no_request(dev: Developer) -> None:
    before, at = release(dev), dev.stage.at
    with probing(host=f"{dev.app}.localhost", port=at.apps_port, ca=Path(at.ca), rate=40) as probe:
        dev.paas("scale", "web=3")
        until(lambda: ready(dev) == (3, 3), why="three processes")
        dev.paas("restart")
        until(lambda: release(dev) == before + 1 and ready(dev) == (3, 3), why="three new processes")
        dev.paas("scale", "web=1")
        until(lambda: ready(dev) == (1, 1), why="one process")

    assert [answer for answer in probe.answers if answer.failed] == []
    assert len(probe.answers) > 20


def test_the_maintenance_page_comes_and_goes(dev: Developer) -> None:
    before = dev.answer()
    dev.paas("maintenance", "on")
    until(lambda: dev.stage.get(dev.host)[0] == 503, why="the page")
    dev.paas("maintenance", "off")
    until(lambda: dev.stage.get(dev.host)[0] == 200, why="the app again")

    assert dev.answer() == before


def test_an_undeployed_app_is_gone_and_comes_back_with_its_newest_commit(dev: Developer) -> None:
    sha = dev.git("rev-parse", "HEAD").strip()
    dev.paas("undeploy")
    until(lambda: dev.stage.get(dev.host)[0] == 404, why="the end of what ran")
    shown = dev.paas_json("project", "status", dev.app)
    assert (shown["deployment_status"], shown["deployment"]["status"]) == ("none", "none")

    live = dev.paas_json("deploy")

    assert (live["state"], live["sha"]) == ("live", sha)
    assert dev.answer().split()[0] == sha


def test_an_image_is_deployed_by_its_digest(dev: Developer) -> None:
    old = dev.paas_json("releases")[-1]
    newer = dev.deploy({"more": "of it"})
    assert dev.answer().split()[0] == newer

    live = dev.paas_json("deploy", "--image", old["digest"])

    assert (live["state"], live["digest"]) == ("live", old["digest"])
    assert dev.paas_json("releases")[0]["kind"] == "deploy"


def test_a_commit_whose_push_was_lost_is_built_by_a_deployment(dev: Developer) -> None:
    """The repository changes behind the platform's back: no hook reports it."""
    sha = dev.commit({"more": "unannounced"})
    bare = dev.stage.home / "git" / "slipway" / f"{dev.app}.git"
    dev.git("-C", str(bare), "fetch", "--quiet", str(dev.clone), "+HEAD:refs/heads/main")

    live = dev.paas_json("project", "deploy", dev.app)

    assert (live["state"], live["sha"]) == ("live", sha)
    assert dev.answer().split()[0] == sha
