"""Migrated databases for tests: emptied and given out again, as a new copy of the template costs five times as much."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pg8000.exceptions import DatabaseError

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.migrations import migrate
from functions.common.errors import Unavailable
from tests.patience import patient

TEMPLATE = "slipway_template"
# The rows of the catalogs that describe tables, functions and settings (from 16384 on they are not PostgreSQL's own),
# and the applied migrations.
_SHAPE = """
select sum(hashtext(one::text)) from pg_attribute one where attrelid >= 16384 union all
select sum(hashtext(one::text)) from pg_attrdef one where oid >= 16384 union all
select sum(hashtext(one::text)) from pg_constraint one where oid >= 16384 union all
select sum(hashtext(one::text)) from pg_index one where indexrelid >= 16384 union all
select sum(hashtext(one::text)) from pg_proc one where oid >= 16384 union all
select sum(hashtext(one::text)) from pg_trigger one where oid >= 16384 union all
select sum(hashtext(one::text)) from pg_db_role_setting one union all
select sum(hashtext(one::text)) from schema_migrations one
"""
_EMPTY = """
do $$
declare
  one regclass;
begin
  set local session_replication_role = replica;  -- no foreign keys, so that any order will do
  for one in select oid from pg_class where relkind = 'r' and oid >= 16384 and relname <> 'schema_migrations' loop
    execute 'delete from ' || one;
  end loop;
  perform setval(seqrelid, seqstart, false) from pg_sequence;
end $$
"""
_END_CONNECTIONS = "select pg_terminate_backend(pid) from pg_stat_activity where usename = :role"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Idle:
    """A database, and a connection to it whose caches are warm: what empties it costs a tenth of a new one's time."""

    name: str
    connection: Postgres


class Databases:
    """The databases of one server; no test sees what another left, nor does a late thread of a test reach the next.

    Each test has a user of its own, who can no longer log in when it has ended.
    """

    def __init__(self, server: str, *migrations: Path) -> None:
        self._address = server.rpartition("/")[0].rpartition("@")[2]
        self._maintenance = Postgres(server)
        self._maintenance.run(f"create database {TEMPLATE}")
        template = Postgres(self._url("postgres", TEMPLATE))
        for folder in migrations:
            migrate(template, folder)
        self._shape = template.run(_SHAPE)
        template.close()
        self._idle: list[_Idle] = []

    @contextmanager
    def one(self) -> Iterator[str]:
        """Yield the URL of an empty, migrated database for a new user."""
        database = self._idle.pop() if self._idle else self._created()
        role = f"test_{uuid.uuid4().hex[:12]}"
        self._maintenance.run(f"create role {role} superuser login")
        yield self._url(role, database.name)
        if self._ended(role) and self._emptied(database.connection):
            self._idle.append(database)
        else:
            database.connection.close()
            self._maintenance.run(f"drop database if exists {database.name} with (force)")
        with suppress(DatabaseError):  # it may own what is not in its database
            self._maintenance.run(f"drop role {role}")

    def close(self) -> None:
        """Close the connections to the server."""
        for database in self._idle:
            database.connection.close()
        self._maintenance.close()

    def _url(self, role: str, name: str) -> str:
        return f"postgresql://{role}:{uuid.uuid4().hex[:8]}@{self._address}/{name}"

    def _created(self) -> _Idle:
        name = f"test_{uuid.uuid4().hex[:12]}"
        self._maintenance.run(f"create database {name} template {TEMPLATE} strategy file_copy")
        return _Idle(name=name, connection=Postgres(self._url("postgres", name)))

    def _ended(self, role: str) -> bool:
        """End all connections of a user for good; return False when one does not end."""
        self._maintenance.run(f"alter role {role} nologin")
        deadline = time.monotonic() + patient(5)
        while self._maintenance.run(_END_CONNECTIONS, role=role):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.001)
        return True

    def _emptied(self, database: Postgres) -> bool:
        """Delete all rows; return False when the database is not like the template."""
        try:
            if database.run(_SHAPE) != self._shape:
                return False
            database.run(_EMPTY)
        except (DatabaseError, Unavailable):  # something that the template has is not there
            return False
        return True
