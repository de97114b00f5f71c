"""An image: a folder named by the digest of its content, with a manifest inside."""

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


def tree_digest(folder: Path) -> str:
    """Return `sha256:...` over the sorted (path, mode, content) of all files and links below the folder.

    Times, owners and empty folders are ignored; of the mode only `executable` counts.
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


MANIFEST = "slipway.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The processes of an image, whose files are in the folders `app` and `venv`."""

    kind: str
    processes: dict[str, str] = field(default_factory=dict)


def store_image(draft: Path, manifest: Manifest, images: Path) -> str:
    """Move the draft into `images` under its digest, atomically, and return the digest."""
    for cache in draft.rglob("__pycache__"):
        shutil.rmtree(cache)
    text = json.dumps({"kind": manifest.kind, "processes": manifest.processes}, sort_keys=True, indent=1)
    (draft / MANIFEST).write_text(text, encoding="utf-8")
    digest = tree_digest(draft)
    target = image_folder(images, digest)
    if not target.exists():
        try:
            draft.rename(target)
        except OSError:
            if not target.exists():  # otherwise another build stored the same content first
                raise
    mark_used(target)
    return digest


def mark_used(folder: Path) -> None:
    """Set the time of the last use: images that nothing has used for long are deleted. Raises FileNotFoundError."""
    os.utime(folder)


def image_folder(images: Path, digest: str) -> Path:
    """Return the folder of the image with this digest."""
    return images / digest.removeprefix("sha256:")


def read_manifest(folder: Path) -> Manifest | None:
    """Return an image's manifest, or None when the folder holds no complete image."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Manifest(kind=found["kind"], processes=found["processes"])
