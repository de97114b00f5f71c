"""promote-image: one-off commands start with the release that was live when they were requested."""

from functions.common.adapters.local.runs import LocalRuns
from functions.common.adapters.postgres.releases import PostgresReleaseArchive
from functions.common.adapters.postgres.runs import PostgresRuns
from functions.common.events.operation import RunCancelled, RunRequested
from functions.common.ports.runs import Run
from functions.promote_image.one_off import OneOff
from tests.functions.promote_image.promoter import Promoter
from tests.functions.promote_image.test_requests import deploy, promoter

__all__ = ["promoter"]  # a fixture


def one_off(promoter: Promoter) -> tuple[OneOff, PostgresRuns, Run]:
    """Return the handlers, and a run of release 1."""
    database = promoter.world.database
    runs = PostgresRuns(database=database)
    run = Run(
        id="", app="hello", environment="production", release=1, command=("env",), actor="ann", seconds=60, tty=True
    )
    found = runs.find(runs.add(run))
    assert found
    runner = LocalRuns(database=database, home=promoter.folder)
    return OneOff(runs=runs, inputs=runs, archive=PostgresReleaseArchive(database=database), runner=runner), runs, found


def test_a_command_is_started_once_and_stopped(promoter: Promoter) -> None:
    deploy(promoter)
    handlers, _, run = one_off(promoter)
    for _ in range(2):
        handlers.start(RunRequested(app="hello", environment="production", run=run.id))
    handlers.stop(RunCancelled(app="hello", environment="production", run=run.id))

    rows = promoter.world.database.run("select workload -> 'processes', tty, seconds, stopped from platform.runs")
    assert rows == [[{"run": "env"}, True, 60, True]]


def test_a_command_that_cannot_start_ends_with_the_reason(promoter: Promoter) -> None:
    handlers, runs, run = one_off(promoter)
    handlers.start(RunRequested(app="hello", environment="production", run=run.id))

    found = runs.find(run.id)
    assert found
    assert (found.exit_code, found.reason) == (126, "release v1 does not exist any more")


def test_a_run_that_is_gone_with_its_app_is_ignored(promoter: Promoter) -> None:
    deploy(promoter)
    handlers, runs, run = one_off(promoter)
    promoter.world.database.run("delete from projects")
    for event in (RunRequested, RunCancelled):
        about = event(app="hello", environment="production", run=run.id)
        handlers.start(about) if isinstance(about, RunRequested) else handlers.stop(about)

    assert runs.find(run.id) is None
    assert promoter.world.database.run("select * from platform.runs") == []
