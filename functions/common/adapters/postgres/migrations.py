"""Applies migrations in order, once each, and refuses to continue when an applied file was edited."""

import hashlib
import re
from pathlib import Path

from functions.common.adapters.postgres.client import Postgres
from functions.common.errors import Rejected

_NAME = re.compile(r"^\d{4}_[a-z0-9_]+\.sql\Z")
_LOCK = 7_236_452_117  # any number, the same for every process that migrates


def migrate(database: Postgres, folder: Path) -> tuple[str, ...]:
    """Apply the missing migrations of `folder` (NNNN_name.sql) and return their names.

    The SHA-384 of every applied file must match. Otherwise it raises Rejected, naming the file and both sums, before
    it applies anything. Concurrent calls are safe: one waits for the other.
    """
    files = {path.name: path.read_bytes() for path in sorted(folder.glob("*.sql"))}
    for name in files:
        if not _NAME.match(name):
            msg = f"migration {folder / name}: the name must be NNNN_lower_case.sql"
            raise Rejected(msg)
    with database.transaction():
        database.run("select pg_advisory_xact_lock(:lock)", lock=_LOCK)
        applied = _applied(database, folder.parent.name + "/" + folder.name)
        _check(folder, files, applied)
        missing = tuple(name for name in files if name not in applied)
        for name in missing:
            _apply(database, folder.parent.name + "/" + folder.name, name, files[name])
    return missing


def check(database: Postgres, folder: Path) -> None:
    """Raise Rejected when a file was edited after it was applied, or is not applied yet."""
    files = {path.name: path.read_bytes() for path in sorted(folder.glob("*.sql"))}
    with database.transaction():
        applied = _applied(database, folder.parent.name + "/" + folder.name)
    _check(folder, files, applied)
    for name in files:
        if name not in applied:
            msg = f"migration {folder / name} is not applied: run `paas migrate`"
            raise Rejected(msg)


def _applied(database: Postgres, scope: str) -> dict[str, str]:
    database.run(
        "create table if not exists public.schema_migrations (folder text not null, name text not null, "
        "sha384 text not null, applied_at timestamptz not null default now(), primary key (folder, name))"
    )
    rows = database.run("select name, sha384 from public.schema_migrations where folder = :folder", folder=scope)
    return {name: digest for name, digest in rows}  # noqa: C416 - rows are lists


def _check(folder: Path, files: dict[str, bytes], applied: dict[str, str]) -> None:
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
