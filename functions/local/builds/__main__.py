"""The build runner's process: `python -m functions.local.builds`."""

from functions.common.adapters.encryption import FernetCipher
from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.quantity import bytes_of
from functions.common.settings import Settings
from functions.local.builds.job import Workspace
from functions.local.builds.orders import BuildReports, Orders
from functions.local.builds.runner import BuildRunner
from functions.local.sandbox.isolation import Limits, detect
from functions.local.tools import beside_python, make_tools
from functions.local.worker import Work, run_worker


def compose(settings: Settings, database: Postgres) -> tuple[Work, BuildReports]:
    """Return the build runner of this state folder and its reports."""
    home = settings.local.home
    workspace = Workspace(
        home=home,
        environment=settings.environment,
        uv=str(beside_python("uv") or "uv"),
        tools=str(make_tools(home)),
        limit=settings.builds.limit,
        git_url=settings.git_server.url,
        forge_url=settings.sources.forge_url,
        isolation=detect(settings),
        limits=Limits(processes=settings.builds.processes, file_bytes=bytes_of(settings.builds.storage)),
        memory=bytes_of(settings.builds.memory),
        internal=settings.sources.internal,
    )
    orders = Orders(database=database, cipher=FernetCipher(keys=settings.encryption.config_keys))
    runner = BuildRunner(orders=orders, workspace=workspace, places=settings.builds.places)
    return runner.run, BuildReports(database=database)


if __name__ == "__main__":
    run_worker("builds", compose)
