"""A function starts only on a database that fits its version."""

import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask, Response
from flask import request as current

from functions.common.adapters.postgres.client import CONNECT_SECONDS, Postgres
from functions.common.platform.core import MIGRATIONS, Core
from functions.common.runtime.http import HEALTH_PATIENCE_SECONDS, http_target
from functions.common.runtime.logs import log_json_lines
from functions.common.settings import Settings

NAMES = sorted(path.name for path in MIGRATIONS.glob("*.sql"))


class Started:
    """A function whose endpoint answers `done`."""

    def __init__(self, url: str) -> None:
        self.parts = Core(settings=Settings(environment={"DATABASE_URL": url}))
        self._target = http_target(lambda: lambda _: ("done", 200), self.parts.check_migrations)
        self._flask = Flask("function")

    def call(self, path: str = "/") -> Response:
        """Return the answer to a request."""
        with self._flask.test_request_context(path):
            return self._flask.make_response(self._target(current))

    def statuses(self) -> tuple[int, int]:
        """Return the statuses of a look at its health and of another request."""
        return self.call("/healthz").status_code, self.call().status_code


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    log_json_lines()
    logger = logging.getLogger("slipway")  # it does not propagate
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def test_it_starts_on_the_database_of_its_version(database: str) -> None:
    assert Started(database).statuses() == (204, 200)


DRIFTS = {
    "an applied file was edited": (
        "update schema_migrations set sha384 = 'other' where name = :name",
        NAMES[0],
        f"{NAMES[0]} was edited after it was applied: applied sha384 other",
    ),
    "the last one is not applied": (
        "delete from schema_migrations where name = :name",
        NAMES[-1],
        f"{NAMES[-1]} is not applied: run `paas migrate`",
    ),
    "one before it is not applied": (
        "delete from schema_migrations where name = :name",
        NAMES[1],
        f"{NAMES[1]} is not applied: run `paas migrate`",
    ),
    "an applied file is gone": (
        "insert into schema_migrations (folder, name, sha384) values ('schemas/migrations', :name, 'x')",
        "0001_gone.sql",
        "0001_gone.sql was applied but its file is gone: restore it",
    ),
    "nothing was ever applied": ("drop table schema_migrations", "", f"{NAMES[0]} is not applied: run `paas migrate`"),
}


@pytest.mark.parametrize("kind", DRIFTS)
def test_it_never_becomes_ready_on_another_database(database: str, kind: str, logged: pytest.LogCaptureFixture) -> None:
    change, name, reason = DRIFTS[kind]
    Postgres(database).run(change, **({"name": name} if name else {}))
    started = Started(database)

    assert [started.statuses() for _ in range(3)] == [(500, 500)] * 3
    assert [record.getMessage().count(reason) for record in logged.records] == [1]
    assert started.call().get_data() == b""


def test_migrations_of_a_newer_version_do_not_stop_it(database: str) -> None:
    Postgres(database).run(
        "insert into schema_migrations (folder, name, sha384) values ('schemas/migrations', '9999_newer.sql', 'x')"
    )

    assert Started(database).statuses() == (204, 200)


def test_it_becomes_ready_once_the_database_is_migrated(database: str) -> None:
    started, postgres = Started(database), Postgres(database)
    row = postgres.rows(
        "delete from schema_migrations where name = :name returning folder, name, sha384", name=NAMES[-1]
    )
    assert started.statuses() == (500, 500)
    postgres.run("insert into schema_migrations (folder, name, sha384) values (:folder, :name, :sha384)", **row[0])

    assert started.statuses() == (204, 200)


def test_a_check_that_succeeded_is_not_repeated(database: str) -> None:
    started, postgres = Started(database), Postgres(database)
    assert started.statuses() == (204, 200)
    postgres.run("drop table schema_migrations")

    assert started.statuses() == (204, 200)


def test_a_check_leaves_its_connection_to_the_first_event(database: str) -> None:
    started, postgres = Started(database), Postgres(database)
    assert started.call("/healthz").status_code == 204
    open_now = postgres.run("select pid from pg_stat_activity where usename = current_user and pid <> pg_backend_pid()")
    with ThreadPoolExecutor(1) as event:
        used = event.submit(started.parts.database.run, "select pg_backend_pid()").result()

    assert used == open_now


def test_a_check_creates_nothing(database: str) -> None:
    postgres = Postgres(database)
    postgres.run("drop table schema_migrations")

    assert Started(database).statuses() == (500, 500)
    assert postgres.run("select to_regclass('schema_migrations')") == [[None]]


def test_while_the_database_is_away_it_is_healthy_and_answers_itself(logged: pytest.LogCaptureFixture) -> None:
    assert Started("postgresql://postgres@127.0.0.1:1/none").statuses() == (204, 200)
    assert logged.records == []


@pytest.mark.timeout(4 * CONNECT_SECONDS)
def test_requests_wait_together_for_a_database_that_says_nothing_and_health_does_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(4) as callers:
        started, begun = Started(f"postgresql://u:p@127.0.0.1:{silent.getsockname()[1]}/none"), time.monotonic()
        waiting = [callers.submit(started.call) for _ in range(4)]
        time.sleep(0.2)
        asked = time.monotonic()
        healthy, waited = started.call("/healthz").status_code, time.monotonic() - asked
        statuses, whole = {one.result().status_code for one in waiting}, time.monotonic() - begun

    assert (healthy, statuses) == (204, {200})
    assert waited < HEALTH_PATIENCE_SECONDS + 0.4
    assert whole < 2 * CONNECT_SECONDS
