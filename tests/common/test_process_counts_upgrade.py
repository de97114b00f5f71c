"""An update keeps what runs: process types beside web get the number that they had before they had to be scaled."""

import json
from dataclasses import asdict
from pathlib import Path

from functions.common.adapters.local.deployer import LocalDeployer
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.migrations import migrate
from functions.common.adapters.postgres.scales import PostgresScales
from functions.common.domain.release import Workload
from functions.local.rollouts.store import RolloutStore
from tests.conftest import ROOT
from tests.story import Story

PROCESSES = {"web": "run", "worker": "work", "clock": "tick", "release": "prepare"}


def again(database: Postgres, folder: Path, name: str) -> None:
    """Apply a migration to what is there now."""
    database.run("delete from schema_migrations where name = :name", name=name)
    assert migrate(database, folder) == (name,)


def test_live_releases_keep_their_processes(database: str) -> None:
    postgres = Postgres(database)
    for app in ("shop", "site"):
        sql = "insert into projects (name, git_url, git_key) values (:name, :name, :name)"
        postgres.run(sql, name=app)
    story, scales = Story(database=postgres), PostgresScales(database=postgres)
    for app, number, state in (("shop", 1, "retired"), ("shop", 2, "live"), ("site", 1, "failed"), ("gone", 1, "live")):
        story.release(number, state=state, app=app)
    story.release(1, state="started", app="shop", environment="a-preview")
    postgres.run("update releases set processes = :processes::jsonb", processes=json.dumps(PROCESSES))
    postgres.run("update releases set processes = processes || '{\"old\": \"x\"}' where state = 'retired'")
    scales.change("shop", "production", {"worker": 3})

    again(postgres, ROOT / "schemas" / "migrations", "0022_process_counts.sql")

    assert scales.read("shop", "production") == {"worker": 3, "clock": 1}
    assert scales.read("shop", "a-preview") == {"worker": 1, "clock": 1}
    assert scales.read("site", "production") == {}
    postgres.close()


def test_workloads_of_one_machine_keep_their_processes(database: str) -> None:
    postgres = Postgres(database)
    workload = Workload(
        app="shop",
        environment="production",
        label="shop",
        hosts=("shop.localhost",),
        release=1,
        push="p",
        sha="a" * 40,
        digest="sha256:1",
        image="shop",
        processes=PROCESSES,
        config={},
        replicas={"web": 2, "clock": 0},
    )
    LocalDeployer(database=postgres).apply(workload)
    store = RolloutStore(database=postgres)
    store.create(workload)

    again(postgres, ROOT / "functions" / "local" / "migrations", "0005_process_counts.sql")

    wanted = store.wanted("shop", "production")[1]
    assert wanted
    assert wanted.replicas == {"web": 2, "clock": 0, "worker": 1}
    assert asdict(wanted) == asdict(workload) | {"replicas": wanted.replicas}
    assert [one.workload for one in store.versions("shop", "production", 1)] == [wanted]
    postgres.close()
