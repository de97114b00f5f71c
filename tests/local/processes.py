"""Processes of this machine as a test sees them, those of sandboxes included."""

from pathlib import Path


def is_running(*command: str) -> bool:
    """Return whether a process runs whose command line has these words in a row; zombies have none."""
    wanted = "\0".join(command).encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if wanted in path.read_bytes():
                return True
        except OSError:  # it ended meanwhile
            continue
    return False
