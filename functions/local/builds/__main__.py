"""The build runner's process: `python -m functions.local.builds`."""

from pathlib import Path

from functions.common.adapters.postgres.client import Postgres
from functions.common.settings import Settings
from functions.local.builds.job import Workshop
from functions.local.builds.orders import BuildReports, Orders
from functions.local.builds.runner import BuildRunner
from functions.local.tools import beside_python, make_tools
from functions.local.worker import Work, run_worker

_LIMIT_SECONDS = 15 * 60


def compose(settings: Settings, database: Postgres) -> tuple[Work, BuildReports]:
    """Return the build runner of this state folder and its reports."""
    orders = Orders(database=database)
    home = Path(settings.local_home)
    workshop = Workshop(
        home=home,
        environment=settings.environment,
        uv=str(beside_python("uv") or "uv"),
        tools=str(make_tools(home)),
        limit=settings.number("SLIPWAY_BUILD_LIMIT", _LIMIT_SECONDS),
        git_url=settings.optional("SLIPWAY_GIT_URL"),
    )
    places = int(settings.number("SLIPWAY_BUILD_PLACES", 2))
    return BuildRunner(orders=orders, workshop=workshop, places=places).run, BuildReports(orders=orders)


if __name__ == "__main__":
    run_worker("builds", compose)
