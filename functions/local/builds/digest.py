"""One digest for a folder's content."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path


def tree_digest(folder: Path) -> str:
    """Return `sha256:...` over the sorted (path, mode, content) of all files and links below the folder.

    Times, owners and empty folders do not count; of the mode only `executable` does.
    """
    whole = hashlib.sha256()
    for path in sorted(_files(str(folder))):
        relative = os.path.relpath(path, folder)
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            mode, content = "link", os.fsencode(Path(path).readlink())
        else:
            mode, content = ("x" if status.st_mode & stat.S_IXUSR else "-"), Path(path).read_bytes()
        part = hashlib.sha256(content).hexdigest()
        whole.update(f"{relative}\0{mode}\0{part}\n".encode(errors="surrogateescape"))
    return f"sha256:{whole.hexdigest()}"


def _files(folder: str) -> Iterator[str]:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path)
        else:
            yield entry.path
