"""The server of the Functions Framework, which is gunicorn's threaded worker, and the warm-up of a function."""

import threading
from wsgiref.util import setup_testing_defaults

from functions_framework._cli import _cli
from gunicorn.config import ControlSocketDisable, PostWorkerInit
from gunicorn.workers.gthread import ThreadWorker

from functions.common.runtime.http import HEALTH_PATH

MAX_REQUEST_LINE = 8190  # the largest value that gunicorn takes
WARM_UP_AFTER_SECONDS = 0.1  # a request that is already here is answered first: warming up beside it would delay it


def serve() -> None:
    """Serve as the framework's command does, which has no options for gunicorn: so its defaults change. Never returns.

    A control socket would take 1.4 MB, and its file would be the same for all functions of a machine.
    """
    ControlSocketDisable.default = True
    PostWorkerInit.default = staticmethod(_prepare)  # type: ignore[arg-type] # gunicorn names no type for it
    _cli(args=[])


def _prepare(worker: ThreadWorker) -> None:
    """Limit request lines, and warm up.

    The framework sets no limit, and gunicorn copies what it has of a line at each read: a line of 60 MB kept a function
    busy for minutes.
    """
    worker.cfg.set("limit_request_line", MAX_REQUEST_LINE)
    _warm_up(worker)


def _warm_up(worker: ThreadWorker) -> None:
    """Ask the function for its health, which composes it and opens its connections.

    The kubelet asks up to a second after the start, and the event that woke the function follows right behind.
    """
    timer = threading.Timer(WARM_UP_AFTER_SECONDS, _ask_for_health, [worker])
    timer.daemon = True
    timer.start()


def _ask_for_health(worker: ThreadWorker) -> None:
    request = {"PATH_INFO": HEALTH_PATH}
    setup_testing_defaults(request)
    worker.wsgi(request, lambda *_: None).close()
