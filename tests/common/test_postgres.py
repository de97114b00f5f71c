"""Broken connections are replaced, and a transaction commits everything or nothing."""

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from pg8000.exceptions import DatabaseError

from functions.common.adapters.postgres.client import CONNECT_SECONDS, Postgres
from functions.common.errors import Unavailable

OTHERS = """
select pid from pg_stat_activity
where pid <> pg_backend_pid() and usename = current_user and application_name = 'slipway'
"""
T = TypeVar("T")
TERMINATE_OTHERS = """
select pg_terminate_backend(pid) from pg_stat_activity
where pid <> pg_backend_pid() and usename = current_user
"""


def in_a_thread(call: Callable[[], T]) -> T:
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(call).result()


def test_values_are_returned_as_they_were_stored(database: str) -> None:
    postgres = Postgres(database)
    values = {"text": "é'\"", "number": 7, "list": ["a", "b"], "bytes": b"\0x", "nothing": None, "flag": True}
    row = postgres.rows(
        "select :text::text as text, :number::int as number, :list::text[] as list, "
        ":bytes::bytea as bytes, :nothing::text as nothing, :flag::bool as flag",
        **values,
    )[0]
    assert row == values


def test_a_row_for_an_app_that_was_just_deleted_is_unavailable(database: str) -> None:
    postgres = Postgres(database)
    postgres.run("create table apps (name text primary key)")
    postgres.run("create table domains (app text references apps)")

    with pytest.raises(Unavailable, match="was deleted at this moment"):
        postgres.run("insert into domains values ('shop')")
    assert postgres.run("select 1") == [[1]]


def test_a_terminated_connection_is_replaced(database: str) -> None:
    postgres, other = Postgres(database), Postgres(database)
    postgres.run("select 1")
    other.run(TERMINATE_OTHERS)
    assert postgres.run("select 2") == [[2]]


def test_a_server_that_closes_a_new_connection_for_any_reason_may_be_asked_again(database: str) -> None:
    maintenance = Postgres(database)
    maintenance.run("create database closed")
    maintenance.run("alter database closed allow_connections false")
    try:
        with pytest.raises(Unavailable, match=r"closed the connection \(55000\)"):
            Postgres(database.rpartition("/")[0] + "/closed").run("select 1")
    finally:
        maintenance.run("drop database closed")


def test_a_transaction_whose_connection_ends_leaves_nothing(database: str) -> None:
    postgres, other = Postgres(database), Postgres(database)
    postgres.run("create table notes (text text)")

    def broken() -> None:
        with postgres.transaction():
            postgres.run("insert into notes values ('a')")
            other.run(TERMINATE_OTHERS)
            postgres.run("insert into notes values ('b')")

    with pytest.raises(Unavailable):
        broken()
    assert postgres.run("select count(*) from notes") == [[0]]


def test_a_transaction_that_was_idle_for_too_long_is_unavailable(database: str) -> None:
    postgres = Postgres(database)
    postgres.run("set idle_in_transaction_session_timeout = '50ms'")

    def idle() -> None:
        with postgres.transaction():
            time.sleep(0.3)
            postgres.run("select 1")

    with pytest.raises(Unavailable):
        idle()
    assert postgres.run("select 2") == [[2]]


def test_an_error_in_a_transaction_rolls_it_back_and_keeps_the_connection(database: str) -> None:
    postgres = Postgres(database)
    postgres.run("create table notes (text text primary key)")

    def broken() -> None:
        with postgres.transaction():
            postgres.run("insert into notes values ('a')")
            postgres.run("insert into notes values ('a')")

    with pytest.raises(DatabaseError):
        broken()
    assert postgres.run("select count(*) from notes") == [[0]]


def test_a_statement_whose_columns_have_changed_is_prepared_again(database: str) -> None:
    postgres, other = Postgres(database), Postgres(database)
    postgres.run("create table notes (number int)")
    assert postgres.run("select number from notes") == []
    other.run("alter table notes alter column number type bigint")
    assert postgres.run("select number from notes") == []


def test_a_statement_that_the_server_has_dropped_is_prepared_again(database: str) -> None:
    postgres = Postgres(database)
    assert postgres.run("select 2") == [[2]]
    postgres.run("deallocate all")
    assert postgres.run("select 2") == [[2]]


def test_an_answer_that_cannot_be_parsed_does_not_break_the_next_statement(database: str) -> None:
    postgres = Postgres(database)
    with pytest.raises(ValueError, match="digits"):  # Python reads no number of so many
        postgres.run("select repeat('1', 5000)::json")
    assert postgres.run("select 2") == [[2]]


def test_the_server_drops_the_locks_of_a_client_that_vanished_within_a_minute(database: str) -> None:
    postgres = Postgres(database)
    names = "tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count"
    idle, interval, count = (int(postgres.run(f"show {name}")[0][0]) for name in names)  # as its socket has them
    assert 0 < idle + interval * count <= 60
    assert postgres.run("show idle_in_transaction_session_timeout") == [["1min"]]


def test_a_connection_that_a_thread_leaves_is_the_next_threads(database: str) -> None:
    postgres, other = Postgres(database), Postgres(database)

    def used() -> list[list[int]]:
        pid = postgres.run("select pg_backend_pid()")
        postgres.leave_connection()
        return pid

    first = in_a_thread(used)

    assert postgres.run("select pg_backend_pid()") == first
    assert other.run(OTHERS) == first


def test_a_left_connection_that_broke_is_replaced(database: str) -> None:
    postgres, other = Postgres(database), Postgres(database)
    postgres.run("select 1")
    postgres.leave_connection()
    other.run(TERMINATE_OTHERS)

    assert postgres.run("select 2") == [[2]]


def test_a_thread_without_a_connection_leaves_none(database: str) -> None:
    postgres = Postgres(database)
    postgres.leave_connection()

    assert postgres.run("select 2") == [[2]]


@pytest.mark.timeout(3 * CONNECT_SECONDS)
def test_a_server_that_accepts_connections_and_does_not_answer_is_tried_once_for_a_limited_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(Unavailable, match="does not answer"):
            Postgres(f"postgresql://127.0.0.1:{silent.getsockname()[1]}").run("select 1")
        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_without_a_server_statements_are_unavailable() -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        Postgres("postgresql://postgres@127.0.0.1:1/none").run("select 1")
