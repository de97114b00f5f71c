"""What one test leaves in its database reaches no other."""

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.errors import Unavailable
from tests.databases import Databases

ACTS = "select id from audit_log"


def test_rows_and_counters_start_again(databases: Databases) -> None:
    for _ in range(2):
        with databases.one() as url:
            database = Postgres(url)
            database.run("insert into projects (name) values ('hello')")
            database.run("insert into environments (app, name, branch, label) values ('hello', 'x', 'x', 'x')")
            database.run("insert into audit_log (actor, action, target) values ('a', 'b', 'c')")
            assert database.run(ACTS) == [[1]]


@pytest.mark.parametrize(
    "change",
    [
        "create table more (id int)",
        "drop table custom_domains",
        "alter table config_vars add constraint odd check (value <> 'x')",
        "delete from schema_migrations",
        "drop table schema_migrations",
    ],
)
def test_a_changed_table_is_as_it_was(databases: Databases, change: str) -> None:
    with databases.one() as url:
        Postgres(url).run(change)
    with databases.one() as url:
        database = Postgres(url)
        assert database.run("select to_regclass('more'), to_regclass('custom_domains') is null") == [[None, False]]
        assert database.run("select count(*) from pg_constraint where conname = 'odd'") == [[0]]
        assert database.run("select count(*) > 1 from schema_migrations") == [[True]]


def test_a_client_that_outlives_its_test_finds_no_database(databases: Databases) -> None:
    with databases.one() as url:
        late = Postgres(url)
        late.run("select 1")
    with databases.one(), pytest.raises(Unavailable):
        late.run("insert into projects (name) values ('late')")
