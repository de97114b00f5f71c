"""A running manage-apps, as a Functions Framework process, and the paas command against it."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from functions.cli.main import main
from functions.common.adapters.postgres.client import Postgres
from functions.common.ports.accounts import Scope
from tests.api_world import TOKENS, give_tokens
from tests.conftest import ROOT
from tests.databases import Databases
from tests.fakes.loopback_broker import LoopbackBroker, loopback_broker
from tests.local.waiting import until
from tests.patience import patient
from tests.story import Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What the process runs on."""

    url: str
    home: Path
    database: Postgres
    broker: LoopbackBroker
    database_url: str

    @property
    def story(self) -> Story:
        """Return a writer of pushes into the database."""
        return Story(database=self.database)

    def paas(
        self,
        *arguments: str,
        scope: Scope = Scope.ADMIN,
        server: str = "",
        folder: Path | None = None,
        **run: Any,  # noqa: ANN401 - of click
    ) -> Result:
        """Run the command and return its result."""
        env = {"PAAS_SERVER": server or self.url, "PAAS_TOKEN": TOKENS[scope]}
        with chdir(folder or self.home):
            return CliRunner().invoke(main, list(arguments), **{"env": env, **run})

    def json(self, *arguments: str) -> Any:  # noqa: ANN401 - JSON
        """Return what a command that must succeed prints with --json: one document and nothing else."""
        result = self.paas(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture(scope="session")
def platform(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Return a running platform that all tests of the command share; each uses apps of its own."""
    home = tmp_path_factory.mktemp("home")
    with databases.one() as url, socket.socket() as free, loopback_broker() as broker:
        database = Postgres(url)
        give_tokens(database)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        environment = {
            **os.environ,  # noqa: TID251 - the process needs a PATH
            "DATABASE_URL": url,
            "K_SINK": broker.url,
            "DEFAULT_DOMAIN": "localhost",
            "SLIPWAY_PLATFORM": "local",
            "SLIPWAY_LOCAL_HOME": str(home),
            "SLIPWAY_GIT_URL": "http://127.0.0.1:4321",
            "SLIPWAY_APPS_PORT": "8443",
        }
        source = ROOT / "functions" / "manage_apps" / "app.py"
        command = ["functions_framework", "--source", str(source), "--target", "manage_apps", "--port", str(port)]
        with (home / "manage-apps.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        try:
            server = f"http://127.0.0.1:{port}"
            wait_for(server + "/healthz")
            yield Platform(url=server, home=home, database=database, broker=broker, database_url=url)
        finally:
            process.terminate()
            process.wait(timeout=patient(30))
            database.close()


def wait_for(url: str) -> None:
    """Wait until something answers there."""
    until(lambda: _answers(url), seconds=30, every=0.1, why=url)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=patient(5)):  # noqa: S310 - http only
            return True
    except OSError:
        return False
