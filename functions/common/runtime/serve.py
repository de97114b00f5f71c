"""`python -m functions.common.runtime.serve`: the Functions Framework's command, made for cold starts.

A start makes objects that stay. Python looked through all of them for garbage again and again meanwhile, which was a
tenth of it. The process that answers requests collects as usual.

Gunicorn's control socket, which nobody uses here, has its other process load asyncio just when the first request comes.
Its worker is replaced by one that is made for starts too.
"""

import gc
import os

from functions_framework._cli import _cli
from gunicorn.config import ControlSocketDisable, WorkerClass

from functions.common.runtime.worker import FunctionWorker


def main() -> None:
    """Serve FUNCTION_TARGET of FUNCTION_SOURCE; see the framework, all of whose options are settings. Never returns."""
    ControlSocketDisable.default = True  # the framework hands no option on to gunicorn
    WorkerClass.default = FunctionWorker  # type: ignore[assignment] # a class will do, as its documentation has it
    gc.disable()
    os.register_at_fork(after_in_child=_collect)  # gunicorn answers in a process of its own
    _cli(args=[])


def _collect() -> None:
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    main()
