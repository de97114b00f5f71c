"""The rollout controller's process: `python -m functions.local.rollouts`."""

import logging
import signal
import threading
from pathlib import Path

from functions.common.adapters.broker.sink import BrokerSink
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.events import PostgresEventLog
from functions.common.adapters.system_clock import SystemClock
from functions.common.settings import from_environment
from functions.local.lock import only_one
from functions.local.reports import send_reports
from functions.local.rollouts.composition import controller
from functions.local.rollouts.store import WorkloadReports


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings, stop = from_environment(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    database = Postgres(settings.database_url)
    sink = BrokerSink(
        url=settings.sink_url,
        log=PostgresEventLog(database=database),
        clock=SystemClock(),
        extensions=settings.sink_extensions,
    )
    with only_one(Path(settings.local_home) / "rollouts.lock"):
        reports = WorkloadReports(database=database)
        reporter = threading.Thread(target=send_reports, args=(reports, sink, stop), daemon=True)
        reporter.start()
        controller(settings, database).run(stop)
        reporter.join(timeout=5)


if __name__ == "__main__":
    main()
