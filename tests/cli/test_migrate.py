"""paas migrate applies each migration once."""

import json

import pytest
from click.testing import CliRunner

from functions.cli.main import main
from functions.common.adapters.postgres.client import Postgres
from tests.conftest import ROOT


def test_an_empty_database_is_migrated(server: str) -> None:
    maintenance = Postgres(server)
    maintenance.run("create database paas_migrate")
    maintenance.close()
    env = {"DATABASE_URL": server.rpartition("/")[0] + "/paas_migrate"}

    first = CliRunner().invoke(main, ["migrate", "--json"], env=env)
    again = CliRunner().invoke(main, ["migrate"], env=env)

    files = sorted(path.name for path in (ROOT / "schemas" / "migrations").glob("*.sql"))
    assert (first.exit_code, json.loads(first.stdout)) == (0, {"applied": files})
    assert (again.exit_code, again.stdout) == (0, "the database is up to date\n")


def test_a_server_that_does_not_answer_is_reported() -> None:
    result = CliRunner().invoke(main, ["migrate"], env={"DATABASE_URL": "postgresql://postgres@127.0.0.1:1/none"})

    assert (result.exit_code, "does not answer" in result.stderr) == (5, True)


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("postgresql://u:pa/ss@h:5432/db", 1, "DATABASE_URL cannot be read"),
        ("postgresql://u@h:5432/db?sslmode=odd", 1, "sslmode must be one of"),
    ],
)
def test_an_unreadable_url_is_reported_without_its_password(url: str, code: int, said: str) -> None:
    result = CliRunner().invoke(main, ["migrate"], env={"DATABASE_URL": url})

    assert (result.exit_code, said in result.stderr, "pa" in str(result.exception)) == (code, True, False)


def test_a_missing_database_is_reported(server: str) -> None:
    result = CliRunner().invoke(main, ["migrate"], env={"DATABASE_URL": server.rpartition("/")[0] + "/nobodys"})

    assert (result.exit_code, "the database of DATABASE_URL (3D000)" in result.stderr) == (5, True), result.output
