"""The build runner's process: `python -m functions.local.builds`."""

import logging
import signal
import threading
from pathlib import Path

from functions.common.adapters.broker.sink import BrokerSink
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.events import PostgresEventLog
from functions.common.adapters.system_clock import SystemClock
from functions.common.settings import Settings, from_environment
from functions.local.builds.job import Workshop
from functions.local.builds.orders import BuildReports, Orders
from functions.local.builds.runner import BuildRunner
from functions.local.lock import only_one
from functions.local.reports import send_reports
from functions.local.tools import beside_python, make_tools

DEFAULT_LIMIT_SECONDS = 15 * 60


def workshop(settings: Settings) -> Workshop:
    """Return where and with what this machine builds."""
    home = Path(settings.local_home)
    return Workshop(
        home=home,
        environment=settings.environment,
        uv=str(beside_python("uv") or "uv"),
        tools=str(make_tools(home)),
        limit=settings.number("SLIPWAY_BUILD_LIMIT", DEFAULT_LIMIT_SECONDS),
        git_url=settings.optional("SLIPWAY_GIT_URL"),
    )


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings, stop = from_environment(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    database = Postgres(settings.database_url)
    orders = Orders(database=database)
    sink = BrokerSink(
        url=settings.sink_url,
        log=PostgresEventLog(database=database),
        clock=SystemClock(),
        extensions=settings.sink_extensions,
    )
    with only_one(Path(settings.local_home) / "builds.lock"):
        reporter = threading.Thread(target=send_reports, args=(BuildReports(orders=orders), sink, stop), daemon=True)
        reporter.start()
        places = int(settings.number("SLIPWAY_BUILD_PLACES", 2))
        BuildRunner(orders=orders, workshop=workshop(settings), places=places).run(stop)
        reporter.join(timeout=5)


if __name__ == "__main__":
    main()
