"""`python -m functions.common.runtime.serve`: the Functions Framework's command, made for cold starts.

A start makes objects that stay. Python looked through all of them for garbage again and again meanwhile, which was a
tenth of it. The process that answers requests collects as usual.
"""

import gc
import os


def main() -> None:
    """Serve FUNCTION_TARGET of FUNCTION_SOURCE; see the framework, all of whose options are settings. Never returns."""
    gc.disable()
    os.register_at_fork(after_in_child=_collect)  # gunicorn answers in a process of its own
    from functions.common.runtime.server import serve  # noqa: PLC0415 - the framework makes most of those objects

    serve()


def _collect() -> None:
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    main()
