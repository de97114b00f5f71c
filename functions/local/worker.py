"""What the build runner and the rollout controller have in common as processes."""

import signal
import threading
from collections.abc import Callable

from functions.common.adapters.postgres.client import Postgres
from functions.common.platform.core import Core
from functions.common.runtime.logs import log_plain_lines
from functions.common.settings import Settings, from_environment
from functions.local.files import exclusive_lock
from functions.local.reports import Reports, send_reports

Work = Callable[[threading.Event], None]
_REPORTER_SECONDS = 5


def run_worker(name: str, compose: Callable[[Settings, Postgres], tuple[Work, Reports]]) -> None:
    """Run the worker and send its reports until SIGTERM or SIGINT; one process of a name for each state folder."""
    log_plain_lines()
    settings, stop = from_environment(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    core = Core(settings=settings)
    database, sink = core.database, core.sink
    with exclusive_lock(settings.local.home / f"{name}.lock"):
        work, reports = compose(settings, database)
        reporter = threading.Thread(target=send_reports, args=(reports, sink, stop), daemon=True)
        reporter.start()
        work(stop)
        reporter.join(timeout=_REPORTER_SECONDS)
