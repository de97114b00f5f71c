"""Applies migrations in order, once each, and refuses to continue when an applied file was edited."""

import hashlib
import re
from pathlib import Path

from functions.common.adapters.postgres.client import UNDEFINED_TABLE, Postgres, sqlstate
from functions.common.errors import Rejected

_NAME = re.compile(r"^\d{4}_[a-z0-9_]+\.sql\Z")
_LOCK = 7_236_452_117  # any number, the same for every process that migrates
_TABLE = """
create table if not exists public.schema_migrations (
    folder text not null, name text not null, sha384 text not null, applied_at timestamptz not null default now(),
    primary key (folder, name)
)
"""


def migrate(database: Postgres, folder: Path) -> tuple[str, ...]:
    """Apply what is missing from `folder` (NNNN_name.sql) and return the names applied now.

    The SHA-384 of every applied file must match. Raises Rejected naming the file and both sums, before anything is
    applied. Concurrent calls are safe: one waits for the other.
    """
    files = _files(folder)
    for name in files:
        if not _NAME.match(name):
            msg = f"migration {folder / name}: the name must be NNNN_lower_case.sql"
            raise Rejected(msg)
    with database.transaction():
        database.run("select pg_advisory_xact_lock(:lock)", lock=_LOCK)
        database.run(_TABLE)
        applied = _applied(database, folder)
        _compare(folder, files, applied)
        missing = tuple(name for name in files if name not in applied)
        for name in missing:
            _apply(database, _scope(folder), name, files[name])
    return missing


def check(database: Postgres, folder: Path) -> None:
    """Raise Rejected when a file is not applied yet or was edited afterwards, or when an applied one is missing.

    Applied migrations after the last file are those of a newer version: they only add, so that both versions can run
    during an upgrade. It is one query and writes nothing.
    """
    files = _files(folder)
    newest = max(files)
    applied = {name: digest for name, digest in _applied(database, folder).items() if name <= newest}
    _compare(folder, files, applied)
    for name in files:
        if name not in applied:
            msg = f"migration {folder / name} is not applied: run `paas migrate`"
            raise Rejected(msg)


def _files(folder: Path) -> dict[str, bytes]:
    files = {path.name: path.read_bytes() for path in sorted(folder.glob("*.sql"))}
    if not files:
        msg = f"{folder} holds no migrations: it belongs to the program, restore it"
        raise Rejected(msg)
    return files


def _scope(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


def _applied(database: Postgres, folder: Path) -> dict[str, str]:
    sql = "select name, sha384 from public.schema_migrations where folder = :folder"
    try:
        return {name: digest for name, digest in database.run(sql, folder=_scope(folder))}  # noqa: C416 - rows are lists
    except Exception as error:
        if sqlstate(error) != UNDEFINED_TABLE:
            raise
        return {}


def _compare(folder: Path, files: dict[str, bytes], applied: dict[str, str]) -> None:
    for name, digest in applied.items():
        if name not in files:
            msg = f"migration {folder / name} was applied but its file is gone: restore it"
            raise Rejected(msg)
        found = hashlib.sha384(files[name]).hexdigest()
        if found != digest:
            msg = (
                f"migration {folder / name} was edited after it was applied: applied sha384 {digest}, "
                f"file sha384 {found}. Restore the file and put the change into a new migration"
            )
            raise Rejected(msg)


def _apply(database: Postgres, scope: str, name: str, content: bytes) -> None:
    for statement in _statements(content.decode()):
        database.run(statement)
    database.run(
        "insert into public.schema_migrations (folder, name, sha384) values (:folder, :name, :digest)",
        folder=scope,
        name=name,
        digest=hashlib.sha384(content).hexdigest(),
    )


def _statements(script: str) -> list[str]:
    """Split at semicolons at line ends, outside $$ bodies; comments are removed."""
    statements, lines, quoted = [], list[str](), False
    for line in script.splitlines():
        code = line if quoted else re.sub(r"\s--\s.*$|^--.*$", "", line)
        quoted ^= code.count("$$") % 2 == 1
        lines.append(code)
        if not quoted and code.rstrip().endswith(";"):
            statements.append("\n".join(lines).strip().rstrip(";"))
            lines = []
    rest = "\n".join(lines).strip()
    return [statement for statement in [*statements, rest] if statement]
