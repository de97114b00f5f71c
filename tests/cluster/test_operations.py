"""What runs without a push, on the real thing: run, scale, restart, deploy, limits, maintenance, for each kind."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from functions.local.demo.traffic import probing
from tests.cluster.conftest import NewUser
from tests.cluster.kit.control_plane import CLUSTER
from tests.cluster.kit.install import IDLE, PLAIN
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.overlay import DOMAIN
from tests.cluster.kit.user import HTTPS, User
from tests.local.waiting import until

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]
ROLLOUT = "operated"
MARK = "slipway.dev/process=web"


@pytest.fixture(scope="module", params=[ROLLOUT, PLAIN, IDLE], ids=["rollout", "deployment", "knative"])
def operated(request: pytest.FixtureRequest, new_user: NewUser) -> User:
    """Return a user whose app is live, for each kind of workload."""
    user = new_user(request.param, exact=request.param != ROLLOUT)
    user.begin()
    user.deploy()
    return user


def status(user: User) -> dict[str, Any]:
    """Return what runs, as observed."""
    found: dict[str, Any] = user.paas_json("project", "status", user.app)["deployment"]
    return found


def is_at(user: User, release: int, replicas: int) -> bool:
    """Return whether that release is live with so many ready web processes."""
    found = status(user)
    return (found["release"], found["replicas"], found["ready_replicas"]) == (release, replicas, replicas)


def containers(user: User, kubectl: Kubectl) -> list[dict[str, Any]]:
    """Return the containers of the web process that are not ending."""
    found = kubectl("get", "pods", "-n", f"app-{user.app}", "-l", MARK, "-o", "json")
    alive = [pod for pod in json.loads(found)["items"] if "deletionTimestamp" not in pod["metadata"]]
    return [one for pod in alive for one in pod["spec"]["containers"] if one["name"] in {"web", "user-container"}]


@contextmanager
def no_request_lost(user: User) -> Iterator[None]:
    """Send 40 requests a second through the Gateway meanwhile; all must be answered well."""
    ca = user.client().ca
    with probing(host=f"{user.app}.{DOMAIN}", port=HTTPS, ca=ca, rate=40, address=CLUSTER.address) as probe:
        yield
    failed = [answer for answer in probe.answers if answer.failed]
    print(f"\n{user.app}: {len(probe.answers)} requests, {len(failed)} failed")
    assert failed == [], failed[:5]
    assert len(probe.answers) > 40


def test_a_command_runs_in_the_image_and_config_of_the_release(operated: User) -> None:
    script = "import os, sys; print(os.environ['SLIPWAY_APP'], os.path.exists('Procfile')); sys.exit(5)"

    printed = operated.paas("run", "python", "-c", script, code=5)

    assert printed == f"{operated.app} True\n"
    assert operated.paas_json("runs", "list")[0]["exit_code"] == 5


def test_what_is_piped_in_is_read_to_its_end(operated: User) -> None:
    text = "".join(f"{number}\n" for number in range(100_000))

    printed = operated.paas("run", "sh", "-c", 'sort -n | tail -n 1; echo "$HOME\'s $1"', "-", "a  b", text=text)

    assert printed.splitlines()[0] == "99999"
    assert printed.splitlines()[1].endswith("'s a  b")


def test_a_command_over_its_time_limit_is_ended_and_says_so(operated: User) -> None:
    printed = operated.paas("run", "--timeout", "5", "sh", "-c", "echo begun; sleep 300", code=143)

    assert "begun" in printed
    assert "within 5 seconds" in printed


def test_a_command_that_is_stopped_ends(operated: User) -> None:
    number = operated.paas("run", "--detach", "sleep", "300").strip()
    until(lambda: operated.paas_json("runs", "list")[0]["id"] == number, why="the run")

    operated.paas("runs", "stop", number)

    assert "it was stopped" in operated.paas("runs", "output", number, code=143)


def test_no_request_is_lost_in_a_scale_a_restart_and_a_deployment_by_digest(operated: User, kubectl: Kubectl) -> None:
    first = operated.paas_json("releases")[0]
    operated.deploy({"more.txt": "more\n"})
    live = status(operated)["release"]
    with no_request_lost(operated):
        operated.paas("scale", "web=3")
        until(lambda: is_at(operated, live, 3), seconds=90, why="three processes")
        (shown,) = operated.paas_json("ps")
        assert (shown["process"], shown["replicas"], shown["ready"]) == ("web", 3, 3)
    with no_request_lost(operated):
        operated.paas("restart")
        until(lambda: is_at(operated, live + 1, 3), seconds=120, why="three new processes")
    with no_request_lost(operated):
        deployed = operated.paas_json("deploy", "--image", first["digest"])
        until(lambda: is_at(operated, deployed["release"], 3), seconds=120, why="the image of the first release")
    assert all(one["image"].endswith(first["digest"]) for one in containers(operated, kubectl))
    with no_request_lost(operated):
        operated.paas("scale", "web=1")
        until(lambda: is_at(operated, deployed["release"], 1), seconds=90, why="one process")


def test_maintenance_answers_503_without_a_gap_and_ends(operated: User) -> None:
    live, before, ca = scaled(operated, 1), operated.get()[1], operated.client().ca
    with probing(host=f"{operated.app}.{DOMAIN}", port=HTTPS, ca=ca, rate=40, address=CLUSTER.address) as probe:
        operated.paas("maintenance", "on")
        until(lambda: operated.get()[0] == 503, seconds=20, why="the Gateway to answer 503")
        operated.paas("restart")
        until(lambda: is_at(operated, live + 1, 1), seconds=120, why="the release during maintenance")
        assert operated.get()[0] == 503
        operated.paas("maintenance", "off")
        until(lambda: operated.get()[0] == 200, seconds=20, why="the app again")
    seen = {answer.status for answer in probe.answers}
    print(f"\n{operated.app}: {len(probe.answers)} requests, {seen}")
    assert seen == {200, 503}, [one for one in probe.answers if one.status not in {200, 503}][:3]
    assert operated.get()[1].split(",")[0] == before.split(",")[0]


def scaled(user: User, number: int) -> int:
    """Scale web, and return the live release once so many are ready."""
    live = int(status(user)["release"])
    user.paas("scale", f"web={number}")
    until(lambda: is_at(user, live, number), seconds=90, why=f"{number} processes")
    return live


def test_limits_are_those_of_the_pods_and_lose_no_request(operated: User, kubectl: Kubectl) -> None:
    before = scaled(operated, 1)
    with no_request_lost(operated):
        operated.paas("limits", "--memory", "96Mi", "--cpu", "200m", "--port", "9000")
        until(lambda: is_at(operated, before + 1, 1), seconds=120, why="the release with the limits")
    asked = [one["resources"] for one in containers(operated, kubectl)]
    wanted = {"cpu": "200m", "memory": "96Mi"}
    assert asked == [{"limits": wanted, "requests": wanted}]
    assert operated.paas_json("limits")["port"] == 9000
    operated.paas("limits", "--memory", "default", "--cpu", "default", "--port", "default")
    until(lambda: is_at(operated, before + 2, 1), seconds=120, why="the release without limits")
