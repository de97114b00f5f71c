"""Invariant 9, immutable migrations: an edited applied file stops the start and is named with both sums."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.migrations import check, migrate
from functions.common.errors import Rejected
from tests.conftest import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "schemas" / "migrations"
    shutil.copytree(ROOT / "schemas" / "migrations", target)
    return target


def test_invariant_09_an_edited_applied_file_is_refused_with_both_sums(database: str, folder: Path) -> None:
    postgres = Postgres(database)
    file = next(folder.glob("0001_*.sql"))
    applied = hashlib.sha384(file.read_bytes()).hexdigest()
    file.write_text(file.read_text() + "-- one more word\n")
    edited = hashlib.sha384(file.read_bytes()).hexdigest()
    for refuse in (migrate, check):
        with pytest.raises(Rejected) as refused:
            refuse(postgres, folder)
        assert all(part in str(refused.value) for part in (str(file), applied, edited))


def test_invariant_09_nothing_new_is_applied_beside_an_edited_file(database: str, folder: Path) -> None:
    postgres = Postgres(database)
    next(folder.glob("0001_*.sql")).write_text("select 1;\n")
    (folder / "9999_more.sql").write_text("create table more (id int);\n")
    with pytest.raises(Rejected):
        migrate(postgres, folder)
    assert postgres.run("select to_regclass('more')") == [[None]]


def test_invariant_09_a_fix_is_a_new_migration_applied_once(database: str, folder: Path) -> None:
    postgres = Postgres(database)
    (folder / "9999_more.sql").write_text(
        "create table more (id int); -- with a remark\n\ninsert into more values (1);\n"
    )
    with pytest.raises(Rejected, match="not applied: run `paas migrate`"):
        check(postgres, folder)
    assert migrate(postgres, folder) == ("9999_more.sql",)
    assert migrate(postgres, folder) == ()
    check(postgres, folder)
    assert postgres.run("select id from more") == [[1]]


def test_invariant_09_a_migration_that_fails_leaves_nothing(database: str, folder: Path) -> None:
    postgres = Postgres(database)
    (folder / "9999_more.sql").write_text("create table more (id int);\nselect nonsense;\n")
    with pytest.raises(Exception, match="nonsense"):
        migrate(postgres, folder)
    assert postgres.run("select to_regclass('more')") == [[None]]


def test_invariant_09_a_function_as_it_is_deployed_does_not_start_on_an_edited_migration(database: str) -> None:
    Postgres(database).run("update schema_migrations set sha384 = 'other' where name = '0001_initial.sql'")
    started = """
from flask import Flask, request
from functions.park_event.app import park_event

with Flask("function").test_request_context("/healthz"):
    print(park_event(request)[1])
"""
    command = [sys.executable, "-c", started]
    ran = subprocess.run(command, cwd=ROOT, env={"DATABASE_URL": database}, capture_output=True, text=True, check=True)

    assert ran.stdout == "500\n"
    assert "0001_initial.sql was edited after it was applied" in ran.stderr
