"""The migration to keys in lower case: spellings of one repository become one, and nothing that is known is lost."""

from datetime import timedelta

from functions.common.adapters.postgres.apps import PostgresAppDirectory
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.forge import PostgresBranchPushes, PostgresHeadRecords
from tests.conftest import ROOT

MIGRATION = ROOT / "schemas" / "migrations" / "0025_repository_keys.sql"
KEY, OTHER = "forge.example.org/myorg/repo", "forge.example.org/team/other"
SPELLINGS = ("forge.example.org/MyOrg/Repo", "forge.example.org/myorg/REPO", KEY)


def test_spellings_of_one_repository_become_one(database: str) -> None:
    table = Postgres(database)
    for number, key in enumerate(SPELLINGS):
        app = "insert into projects (name, git_url, git_key, branch) values (:name, :url, :key, 'main')"
        table.run(app, name=f"app-{number}", url=f"https://{key}.git", key=key)
        pushed = (
            "insert into pushes (id, app, environment, repository, ref, before, sha, message, author, sequence, state)"
        )
        table.run(
            f"{pushed} values (:id, :app, 'production', :key, 'refs/heads/main', '', :sha, '', '', 1, 'live')",
            id=f"push-{number}",
            app=f"app-{number}",
            key=key,
            sha=str(number) * 40,
        )
        heads = PostgresHeadRecords(database=table)
        heads.record(key, {"main": str(number) * 40, f"only-{number}": "a" * 40}, handled=["main"])
    PostgresHeadRecords(database=table).record(OTHER, {"main": "f" * 40}, handled=[])

    for statement in MIGRATION.read_text().split(";\n"):
        if statement.strip():
            table.run(statement)

    assert [app.name for app in PostgresAppDirectory(database=table).by_repository(KEY)] == ["app-0", "app-1", "app-2"]
    assert len(PostgresBranchPushes(database=table).of_branch(KEY, "main", limit=9)) == 3
    (watched,) = PostgresHeadRecords(database=table).due(limit=9, patience=timedelta(seconds=1))
    assert (watched.repository, watched.handled["main"]) == (KEY, "2" * 40)  # what was known under the key stays
    known = table.run("select repository, branch from forge_heads order by repository, branch")
    assert known == [[KEY, "main"], [KEY, "only-0"], [KEY, "only-1"], [KEY, "only-2"], [OTHER, "main"]]
    assert table.run("select repository from forge_repositories order by 1") == [[KEY], [OTHER]]
    table.close()
