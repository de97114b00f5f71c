"""`python -m functions.common.runtime.serve`: the Functions Framework's command, without collections while it starts.

A cold start makes objects that stay. Python looked through all of them for garbage again and again meanwhile, which
was a tenth of it. The process that answers requests collects as usual.
"""

import gc
import os

from functions_framework._cli import _cli


def main() -> None:
    """Serve FUNCTION_TARGET of FUNCTION_SOURCE; see the framework. Never returns."""
    gc.disable()
    os.register_at_fork(after_in_child=_collect)  # gunicorn answers in a process of its own
    _cli()


def _collect() -> None:
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    main()
