"""The rollout controller's process: `python -m functions.local.rollouts`."""

from functions.common.adapters.postgres.client import Postgres
from functions.common.settings import Settings
from functions.local.rollouts.composition import controller
from functions.local.rollouts.store import WorkloadReports
from functions.local.worker import Work, run_worker


def compose(settings: Settings, database: Postgres) -> tuple[Work, WorkloadReports]:
    """Return the rollout controller of this state folder and its reports."""
    return controller(settings, database).run, WorkloadReports(database=database)


if __name__ == "__main__":
    run_worker("rollouts", compose)
