"""One platform for each state folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from functions.common.errors import Rejected


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the folder's lock. Raises Rejected naming the process that has it."""
    with (home / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            msg = f"{home} is in use by process {file.read().strip()}: stop that one, or choose another --home"
            raise Rejected(msg) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
        file.truncate(0)
