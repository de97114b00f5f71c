"""Other ways to run and to build on the real thing: Deployment, Knative Service, Dockerfile; builds that end badly."""

import json
import time

import pytest

from tests.cluster.conftest import NewUser
from tests.cluster.kit.bad_versions import LATE
from tests.cluster.kit.build_images import RUN
from tests.cluster.kit.install import BUILDS, IDLE, PLAIN
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.node import REGISTRY
from tests.cluster.kit.user import User
from tests.local.waiting import until

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]
APP = "kinds"
TOO_LATE_SECONDS = 120  # after the push; by then the version of LATE would have been well for long
DOCKERFILE = f'FROM {REGISTRY}/{RUN}\nCOPY . /workspace\nWORKDIR /workspace\nCMD ["python3", "app.py"]\n'
RELEASE = "web: python app.py\nrelease: {}\n"


def answers(user: User, sha: str) -> None:
    until(lambda: sha in user.get()[1], seconds=20, why=f"{sha[:12]} to answer")


@pytest.fixture(scope="module")
def plain(new_user: NewUser) -> User:
    user = new_user(PLAIN, exact=True)
    user.begin()
    return user


@pytest.fixture(scope="module")
def idle(new_user: NewUser) -> User:
    user = new_user(IDLE, exact=True)
    user.begin()
    return user


def test_a_deployment_goes_live_and_is_replaced(plain: User) -> None:
    answers(plain, plain.deploy())
    answers(plain, plain.deploy({"more.txt": "more\n"}))


@pytest.mark.parametrize(("app", "kind"), [("plain", "deployment"), ("idle", "ksvc")])
def test_a_version_that_is_well_too_late_never_serves(
    app: str, kind: str, request: pytest.FixtureRequest, kubectl: Kubectl
) -> None:
    user: User = request.getfixturevalue(app)
    live = user.deploy()
    late, began = user.commit({"app.py": LATE}), time.monotonic()
    user.push()
    user.ended(late, "failed")

    asked = ("get", kind, "web", "-n", f"app-{user.app}", "-o", r"jsonpath={.metadata.annotations.slipway\.dev/sha}")
    until(lambda: kubectl(*asked) == live, seconds=30, why="the live version to be asked for again")
    seen = set[str]()
    while time.monotonic() - began < TOO_LATE_SECONDS:
        seen.add(user.get()[1])
        time.sleep(1)
    assert [text for text in seen if late in text] == []
    answers(user, live)


def test_a_knative_service_goes_live_rests_at_zero_and_answers_when_asked(idle: User, kubectl: Kubectl) -> None:
    for change in ("one\n", "two\n"):
        sha = idle.deploy({"more.txt": change})
        answers(idle, sha)
    pods = ("get", "pods", "-n", f"app-{IDLE}", "-l", "slipway.dev/process=web", "-o", "name")
    until(lambda: not kubectl(*pods).strip(), seconds=240, why=f"zero pods of {IDLE}")
    assert sha in idle.get()[1]


def test_a_dockerfile_is_built_without_an_engine(user: User) -> None:
    answers(user, user.deploy({"Dockerfile": DOCKERFILE}))


def test_a_release_command_runs_before_the_version_and_its_failure_stops_it(user: User) -> None:
    live = user.deploy({"Procfile": RELEASE.format("true")})

    sha = user.commit({"Procfile": RELEASE.format("false")})
    user.push()
    ended = user.ended(sha, "failed")

    assert ended["step"] == "release command"
    answers(user, live)


def test_workers_follow_the_live_version_and_go_with_the_last_that_had_them(user: User, kubectl: Kubectl) -> None:
    def workers() -> dict[str, tuple[str, int]]:
        items = json.loads(kubectl("get", "deployments", "-n", f"app-{user.app}", "-o", "json"))["items"]
        found = [(one["metadata"], one["spec"]["replicas"]) for one in items]
        return {
            one["name"]: (one["annotations"]["slipway.dev/sha"], number)
            for one, number in found
            if one["name"] != "web"
        }

    sha = user.deploy({"Procfile": "web: python app.py\nworker: sleep 1000000\n"})
    until(lambda: workers() == {"worker": (sha, 0)}, seconds=20, every=0.5, why="the worker of the live version")
    user.paas("scale", "worker=1")
    until(lambda: workers() == {"worker": (sha, 1)}, seconds=20, every=0.5, why="a running worker")
    user.deploy({"Procfile": "web: python app.py\n"})
    until(lambda: workers() == {}, seconds=20, every=0.5, why="no worker")


def test_a_failed_build_says_where_and_leaves_what_runs(user: User) -> None:
    before = user.get()[1]
    sha = user.commit({"FAIL": "this app is not to be built\n"})
    user.push()
    ended = user.ended(sha, "failed")
    assert (ended["step"], user.get()[1]) == ("buildpacks", before)
    details = ended["steps"][-1]["details"]
    assert "this app is not to be built" in details["log_tail"]
    assert "this app is not to be built" in user.paas("logs", "--build", details["build"])


def test_a_newer_push_cancels_the_build_of_the_older_and_only_it_goes_live(user: User, kubectl: Kubectl) -> None:
    older = user.commit({"more.txt": "older\n"})
    user.push()
    name = until(lambda: _run_of(kubectl, older), seconds=60, why="the older build")
    newer = user.commit({"more.txt": "newer\n"})
    user.push()

    user.ended(newer, "live")

    assert user.ended(older, "superseded")["final"]
    reason = "jsonpath={.status.conditions[0].reason}"
    assert kubectl("get", "pipelinerun", name, "-n", BUILDS, "-o", reason) == "Cancelled"
    answers(user, newer)


def _run_of(kubectl: Kubectl, sha: str) -> str:
    names = kubectl("get", "pipelineruns", "-n", BUILDS, "-o", "jsonpath={.items[*].metadata.name}").split()
    return next((name for name in names if sha[:12] in name), "")
