"""Migrated databases for tests: emptied and given out again, as a new copy of the template costs five times as much."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pg8000.exceptions import DatabaseError

from functions.common.adapters.postgres.client import Postgres, sqlstate
from functions.common.adapters.postgres.migrations import migrate
from tests.patience import patient

TEMPLATE = "slipway_template"
OBJECT_IN_USE = "55006"
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
_END_CONNECTIONS = "select pg_terminate_backend(pid) from pg_stat_activity where datname = :name"


class Databases:
    """The databases of one server; no test sees what another left, nor does a late thread of a test reach the next."""

    def __init__(self, server: str, *migrations: Path) -> None:
        self._base = server.rpartition("/")[0]
        self._maintenance = Postgres(server)
        self._maintenance.run(f"create database {TEMPLATE}")
        template = Postgres(self.url(TEMPLATE))
        for folder in migrations:
            migrate(template, folder)
        self._shape = template.run(_SHAPE)
        template.close()
        self._idle: list[str] = []

    def url(self, name: str) -> str:
        """Return where a database is."""
        return f"{self._base}/{name}"

    @contextmanager
    def one(self) -> Iterator[str]:
        """Yield the URL of an empty, migrated database under a new name."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        if self._idle:
            self._rename(self._idle.pop(), name)
        else:
            self._maintenance.run(f"create database {name} template {TEMPLATE} strategy file_copy")
        yield self.url(name)
        idle = f"idle_{name}"
        if self._rename(name, idle) and self._emptied(idle):
            self._idle.append(idle)
        else:
            self._maintenance.run(f"drop database if exists {idle} with (force)")
            self._maintenance.run(f"drop database if exists {name} with (force)")

    def close(self) -> None:
        """Close the connection to the server."""
        self._maintenance.close()

    def _rename(self, name: str, to: str) -> bool:
        """End all connections to a database and rename it; return False when a client connects again and again."""
        deadline = time.monotonic() + patient(5)
        while time.monotonic() < deadline:
            if self._maintenance.run(_END_CONNECTIONS, name=name):
                time.sleep(0.001)
                continue
            try:
                self._maintenance.run(f"alter database {name} rename to {to}")
            except DatabaseError as error:  # a thread of the test has connected since
                if sqlstate(error) != OBJECT_IN_USE:
                    raise
            else:
                return True
        return False

    def _emptied(self, name: str) -> bool:
        """Delete all rows; return False when the database is not like the template."""
        database = Postgres(self.url(name))
        try:
            if database.run(_SHAPE) != self._shape:
                return False
            database.run(_EMPTY)
        except DatabaseError:  # something that the template has is not there
            return False
        finally:
            database.close()
        return True
