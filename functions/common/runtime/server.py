"""The Functions Framework's server, with a worker of ours that is made for starts.

Gunicorn's control socket, which nobody uses here, has its other process load asyncio just when the first request comes.
"""

from functions_framework._cli import _cli
from gunicorn.config import ControlSocketDisable, WorkerClass

from functions.common.runtime.worker import FunctionWorker


def serve() -> None:
    """Serve as the framework's command does. Never returns."""
    ControlSocketDisable.default = True  # the framework hands no option on to gunicorn
    WorkerClass.default = FunctionWorker  # type: ignore[assignment] # a class will do, as its documentation has it
    _cli(args=[])
