"""The rollout controller's process: `python -m functions.local.rollouts`."""

import threading

from functions.common.adapters.postgres.client import Postgres
from functions.common.settings import Settings
from functions.local.rollouts.composition import app_programs, controller, one_off_runs
from functions.local.rollouts.store import WorkloadReports
from functions.local.worker import Work, run_worker


def compose(settings: Settings, database: Postgres) -> tuple[Work, WorkloadReports]:
    """Return the rollout controller of this state folder, with one-off commands beside it, and its reports."""
    programs = app_programs(settings)
    releases, runs = controller(settings, database, programs), one_off_runs(settings, database, programs)

    def work(stop: threading.Event) -> None:
        beside = threading.Thread(target=runs.run, args=(stop,))
        beside.start()
        releases.run(stop)
        beside.join()

    return work, WorkloadReports(database=database)


if __name__ == "__main__":
    run_worker("rollouts", compose)
