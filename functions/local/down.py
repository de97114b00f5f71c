"""`task down`: stops the platform of a state folder, wherever it was started, and returns when nothing of it runs."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from functions.common.errors import Rejected
from functions.local.files import exclusive_lock
from functions.local.platform.run import LOCK, end_leftovers

_SECONDS = 60.0  # more than a platform takes that finishes its requests
_PAUSE_SECONDS = 0.1


def main(arguments: list[str]) -> int:
    """Stop it. Exit codes: 0 nothing runs, 1 it still stops, or belongs to another user."""
    parser = argparse.ArgumentParser(prog="task down --", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(".slipway"), help="the state folder (default: .slipway)")
    lock = parser.parse_args(arguments).home.absolute() / LOCK
    if not lock.exists():
        print(f"slipway: nothing runs in {lock.parent}")
        return 0
    try:
        return _stop(lock)
    except PermissionError as error:
        print(f"slipway: {lock.parent} is another user's: {error}", file=sys.stderr)
        return 1


def _stop(lock: Path) -> int:
    asked, deadline = 0, time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        try:
            with exclusive_lock(lock, wait=False):
                end_leftovers(lock.parent, lambda text: print(f"slipway: {text}"))
        except Rejected:  # a process holds it, and its number is in it
            asked = _ask(lock, asked)
            time.sleep(_PAUSE_SECONDS)
        else:
            print(f"slipway: {'stopped' if asked else 'nothing runs in'} {lock.parent}")
            return 0
    print(f"slipway: process {asked} still stops; see logs/supervisord.log in {lock.parent}", file=sys.stderr)
    return 1


def _ask(lock: Path, asked: int) -> int:
    """Send SIGTERM to the process that holds the lock, once."""
    holder = int(lock.read_text().strip() or 0)
    if holder and holder != asked:
        os.kill(holder, signal.SIGTERM)
    return holder or asked


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
