"""`python -m functions.common.runtime.serve [MODULE ...]`: the Functions Framework's command, made for cold starts.

A start makes objects that stay. Python looked through all of them for garbage again and again meanwhile, which was a
tenth of it. The process that answers requests collects as usual.

Libraries that only a first event needs are left out of a start, which they would double. A pod that has started waits
up to a second until its kubelet has noticed, though: the modules that are named are imported then.
"""

import gc
import importlib
import os
import sys
from contextlib import suppress
from threading import Thread

from functions_framework._cli import _cli


def main() -> None:
    """Serve FUNCTION_TARGET of FUNCTION_SOURCE; see the framework, all of whose options are settings. Never returns."""
    gc.disable()
    os.register_at_fork(after_in_child=_begin)  # gunicorn answers in a process of its own
    _cli(args=[])


def _begin() -> None:
    gc.freeze()
    gc.enable()
    Thread(target=_preload, name="preload", daemon=True).start()


def _preload() -> None:
    for module in sys.argv[1:]:
        with suppress(ImportError):  # who needs it will say so
            importlib.import_module(module)


if __name__ == "__main__":
    main()
