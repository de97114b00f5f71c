"""Slipway as it is installed on the cluster, and people who use it."""

import uuid
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cluster.kit.cache import DEFAULT_HOME, Cache, Instance
from tests.cluster.kit.control_plane import CLUSTER
from tests.cluster.kit.install import CLOUDFLARE_PORT, load_installed
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.overlay import NAMESPACE
from tests.cluster.kit.pod_logs import PodLogs
from tests.cluster.kit.user import User
from tests.fakes.loopback import served
from tests.fakes.loopback_cloudflare import LoopbackCloudflare

NewUser = Callable[..., User]
LOGS = pytest.StashKey[PodLogs]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failed test what the functions and the Broker said meanwhile."""
    report = yield
    logs = item.session.stash.get(LOGS, None)
    if report.failed and logs:
        report.sections.append(("pods' logs", logs.since(datetime.fromtimestamp(call.start, UTC))))
    return report


@pytest.fixture(scope="session", autouse=True)
def _pod_logs(request: pytest.FixtureRequest, instance: Instance) -> Iterator[None]:
    namespaces = (NAMESPACE, "slipway-builds", "knative-eventing")
    with PodLogs(instance.folder / "pod-logs", namespaces=namespaces) as logs:
        request.session.stash[LOGS] = logs
        yield
        del request.session.stash[LOGS]  # a fixture that ends later and fails has none


@pytest.fixture(scope="session")
def instance() -> Instance:
    """Return where the cluster lives."""
    return Cache(home=DEFAULT_HOME).instance("cluster")


@pytest.fixture(scope="session")
def kubectl(instance: Instance) -> Kubectl:
    """Return kubectl as its administrator."""
    return Kubectl(Cache(home=DEFAULT_HOME), instance)


@pytest.fixture(scope="session")
def zone() -> Iterator[LoopbackCloudflare]:
    """Yield the DNS zone that upsert-dns writes to, at the node's address."""
    cloudflare = LoopbackCloudflare()
    with served(cloudflare, CLUSTER.address, CLOUDFLARE_PORT):
        yield cloudflare


@pytest.fixture(scope="module")
def new_user(
    instance: Instance, zone: LoopbackCloudflare, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NewUser]:
    """Yield what makes a user whose app's name begins like this, or is `exact`; their apps go in the end."""
    assert zone is not None
    made = list[User]()

    def make(name: str, *, exact: bool = False) -> User:
        app = name if exact else f"{name}-{uuid.uuid4().hex[:5]}"
        clone: Path = tmp_path_factory.mktemp(app)
        user = User(instance=instance, installed=load_installed(instance), app=app, clone=clone)
        user.api("DELETE", f"/apps/{app}")  # what a run that was broken off left
        made.append(user)
        return user

    yield make
    for user in made:
        if user.api("GET", f"/apps/{user.app}"):
            user.paas("apps", "delete", user.app, "--yes")


@pytest.fixture(scope="module")
def user(request: pytest.FixtureRequest, new_user: NewUser) -> User:
    """Return a user whose app is live; its name begins with the module's APP."""
    user = new_user(request.module.APP)
    user.begin()
    user.deploy()
    return user
