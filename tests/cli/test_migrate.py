"""paas migrate brings an empty database up, once."""

import json

from click.testing import CliRunner

from functions.cli.main import main
from functions.common.adapters.postgres import Postgres
from tests.conftest import ROOT


def test_an_empty_database_is_brought_up(server: str) -> None:
    maintenance = Postgres(server)
    maintenance.run("create database paas_migrate")
    maintenance.close()
    env = {"DATABASE_URL": server.rpartition("/")[0] + "/paas_migrate"}

    first = CliRunner().invoke(main, ["migrate", "--json"], env=env)
    again = CliRunner().invoke(main, ["migrate"], env=env)

    files = sorted(path.name for path in (ROOT / "schemas" / "migrations").glob("*.sql"))
    assert (first.exit_code, json.loads(first.stdout)) == (0, {"applied": files})
    assert (again.exit_code, again.stdout) == (0, "the database is up to date\n")


def test_a_server_that_is_not_there_is_said() -> None:
    result = CliRunner().invoke(main, ["migrate"], env={"DATABASE_URL": "postgresql://postgres@127.0.0.1:1/none"})

    assert (result.exit_code, "does not answer" in result.stderr) == (5, True)
