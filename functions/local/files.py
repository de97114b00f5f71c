"""Files of a state folder: private ones, lock files, what programs left, and the room on their disk."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from functions.common.errors import Rejected


def write_private(path: Path, text: str) -> None:
    """Write a file with mode 0600, atomically: after a failure the old file is unchanged."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def remove_tree(folder: Path) -> None:
    """Delete a folder that other programs wrote, however deep it is and whatever modes they set; what fails stays."""
    if folder.is_symlink() or not folder.is_dir():
        return
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        for words in (("chmod", "-R", "u+rwX"), ("rm", "-rf")):  # neither follows a link below the folder
            subprocess.run([*words, "--", folder], capture_output=True, check=False)


FULL_BYTES = 4 * 1024**2  # with less the disk is called full


def free_bytes(folder: Path) -> int:
    """Return how much this user may still write on the folder's disk, 0 when no file can be created there."""
    status = os.statvfs(folder)
    return 0 if status.f_files and not status.f_favail else status.f_bavail * status.f_frsize


@contextmanager
def exclusive_lock(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold a lock file, which names this process; the system releases it when the process dies.

    Without `wait`, raises Rejected naming the process that holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, path, wait=wait)
        os.ftruncate(descriptor, 0)
        with suppress(OSError):  # a full disk has no room for the name, which only an error text needs
            os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path, *, wait: bool) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError as error:
        holder = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
        msg = f"{path.parent} is in use by process {holder}: stop that one, or choose another --home"
        raise Rejected(msg) from error
