"""The rows of a database as they were: put back within milliseconds, for tests that change what takes long to make."""

import uuid

from functions.common.adapters.postgres.client import Postgres

# From 16384 on they are not PostgreSQL's own.
_TABLES = """
select oid::bigint, oid::regclass::text from pg_class
where relkind = 'r' and oid >= 16384 and relname <> 'schema_migrations'
    and relnamespace::regnamespace::text not like 'saved_%'
"""
_SEQUENCES = """
select seqrelid::regclass::text, coalesce(pg_sequence_last_value(seqrelid), seqstart),
    pg_sequence_last_value(seqrelid) is not null
from pg_sequence
"""


class Saved:
    """The rows of every table and the positions of the sequences, kept in a schema of their own."""

    def __init__(self, database: Postgres) -> None:
        self._database = database
        tables, sequences = database.run(_TABLES), database.run(_SEQUENCES)
        schema = f"saved_{uuid.uuid4().hex}"
        database.run(f"create schema {schema}")
        steps = ["set local session_replication_role = replica"]  # no foreign keys, so that any order will do
        for number, table in tables:
            steps.append(f"delete from {table}")  # noqa: S608 - a name from the catalog
            if database.run(f"select from {table} limit 1"):
                database.run(f"create table {schema}.of_{number} as table {table}")
                steps.append(f"insert into {table} overriding system value table {schema}.of_{number}")
        steps += [f"perform setval('{name}', {last}, {called})" for name, last, called in sequences]
        self._restore = f"do $$ begin {'; '.join(steps)}; end $$"

    def restore(self) -> None:
        """Put them back."""
        self._database.run(self._restore)
