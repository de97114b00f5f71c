"""A build runner on a real database, with real repositories."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from functions.common.adapters.encryption import FernetCipher
from functions.common.adapters.local.builder import LocalBuilder
from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.build import BuildOrder, BuildResult, BuildState, build_name
from functions.common.settings import Settings
from functions.local.builds.job import Workspace
from functions.local.builds.orders import Orders
from functions.local.builds.runner import BuildRunner
from functions.local.sandbox.isolation import Limits, detect
from functions.local.tools import beside_python, make_tools
from tests.local.builds.plain_forge import Fetching, Forge, plain_forge
from tests.local.repositories import SERVER, Repository, make_repository
from tests.local.sandboxed import sandbox_settings
from tests.local.waiting import until

LIMIT = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildWorld:
    """What a test of builds needs: order, look, and find the files."""

    builder: LocalBuilder
    orders: Orders
    workspace: Workspace
    repository: Repository

    def order(self, sha: str, environment: str = "production", push: str = "p1") -> str:
        """Order a build and return its name."""
        name = build_name("hello", environment, sha)
        order = BuildOrder(
            name=name, app="hello", environment=environment, push=push, clone_url=self.repository.clone_url,
            ref="refs/heads/main", sha=sha,
        )  # fmt: skip
        self.builder.start(order)
        return name

    def ended(self, name: str, *, seconds: float = 30) -> BuildResult:
        """Return how the build ended."""
        return until(lambda: self._ended(name), seconds=seconds, why=f"the end of {name}\n{self.log(name)}")

    def log(self, name: str) -> str:
        """Return the log as it is now."""
        path = self.workspace.log_path(name)
        return path.read_text() if path.exists() else ""

    def group(self, name: str) -> int:
        """Return the process group of a build that runs."""
        (order,) = [one for one in self.orders.running() if one.name == name]
        return order.process

    def _ended(self, name: str) -> BuildResult | None:
        result = self.builder.observe(name)
        return result if result and result.state is not BuildState.RUNNING else None


def make_world(database: str, folder: Path, clock: Callable[[], float] = time.monotonic) -> BuildWorld:
    postgres = Postgres(database)
    path = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(Path.home()),
        "DATABASE_URL": "a-secret-of-the-platform",
    }
    uv = str(beside_python("uv"))
    home = folder / "home"
    home.mkdir(exist_ok=True)
    settings = Settings(environment={"SLIPWAY_LOCAL_HOME": str(home), **sandbox_settings(home)})
    workspace = Workspace(
        home=home,
        environment=path,
        uv=uv,
        tools=str(make_tools(home)),
        limit=LIMIT,
        git_url=SERVER,
        isolation=detect(settings),
        limits=Limits(),
        clock=clock,
    )
    return BuildWorld(
        builder=LocalBuilder(database=postgres),
        orders=Orders(database=postgres, cipher=FernetCipher()),
        workspace=workspace,
        repository=make_repository(folder, home=folder / "home"),
    )


@pytest.fixture
def idle(database: str, tmp_path: Path) -> BuildWorld:
    """Return a world without a runner."""
    return make_world(database, tmp_path)


@pytest.fixture
def world(idle: BuildWorld) -> Iterator[BuildWorld]:
    """Return a world with a runner at work."""
    yield from running(idle)


def running(world: BuildWorld) -> Iterator[BuildWorld]:
    """Run a runner around the test."""
    stop = threading.Event()
    runner = BuildRunner(orders=world.orders, workspace=world.workspace, grace=1.0, poll=0.02)
    thread = threading.Thread(target=runner.run, args=(stop,))
    thread.start()
    try:
        yield world
    finally:
        stop.set()
        thread.join()


@pytest.fixture(scope="session")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """Return a forge that is reached over HTTP."""
    with plain_forge(tmp_path_factory.mktemp("forge")) as found:
        yield found


@pytest.fixture
def fetching(forge: Forge, tmp_path: Path) -> Fetching:
    """Return what fetches from it as a build does."""
    forge.logins.clear()
    return Fetching(forge=forge, folder=tmp_path)
