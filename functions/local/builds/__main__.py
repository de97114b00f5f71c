"""The build runner's process: `python -m functions.local.builds`."""

from functions.common.adapters.postgres.client import Postgres
from functions.common.settings import Settings
from functions.local.builds.job import Workshop
from functions.local.builds.orders import BuildReports, Orders
from functions.local.builds.runner import BuildRunner
from functions.local.tools import beside_python, make_tools
from functions.local.worker import Work, run_worker


def compose(settings: Settings, database: Postgres) -> tuple[Work, BuildReports]:
    """Return the build runner of this state folder and its reports."""
    orders = Orders(database=database)
    home = settings.local.home
    workshop = Workshop(
        home=home,
        environment=settings.environment,
        uv=str(beside_python("uv") or "uv"),
        tools=str(make_tools(home)),
        limit=settings.builds.limit,
        git_url=settings.local.git_url,
    )
    return BuildRunner(orders=orders, workshop=workshop, places=settings.builds.places).run, BuildReports(orders=orders)


if __name__ == "__main__":
    run_worker("builds", compose)
