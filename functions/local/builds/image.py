"""An image: a folder named by the digest of its content, with a manifest inside."""

import hashlib
import json
import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from functions.common.errors import Rejected
from functions.local.files import write_private
from functions.local.sandbox.launch import seal

_READ_AT_ONCE = 1024**2


def tree_digest(folder: Path) -> str:
    """Return `sha256:...` over the sorted (path, mode, content) of all files and links below the folder.

    Times, owners and empty folders are ignored; of the mode only `executable` counts.
    """
    whole = hashlib.sha256()
    for path in sorted(_files(str(folder))):
        relative = os.path.relpath(path, folder)
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            mode, part = "link", hashlib.sha256(os.fsencode(Path(path).readlink())).hexdigest()
        else:
            mode = "x" if status.st_mode & stat.S_IXUSR else "-"
            part = _file_digest(path, status.st_size)
        whole.update(f"{relative}\0{mode}\0{part}\n".encode(errors="surrogateescape"))
    return f"sha256:{whole.hexdigest()}"


def _file_digest(path: str, size: int) -> str:
    with open(path, "rb") as file:  # noqa: PTH123 - a tree may have 50,000 files
        if size < _READ_AT_ONCE:
            return hashlib.sha256(file.read()).hexdigest()
        return hashlib.file_digest(file, "sha256").hexdigest()  # it may be larger than this machine's memory


def _files(folder: str) -> Iterator[str]:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path)
        else:
            yield entry.path


MANIFEST = "slipway.json"
_FOLDERS = ("app", "venv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The processes of an image, whose files are in the folders `app` and `venv`.

    They run in the folder `root` of `app`, need the folders `path` of programs first, read the folders `reads`, and
    have the variables `environment` where the app's config does not set them. `declared` is what is read of app.json.
    """

    kind: str
    processes: dict[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    root: str = ""
    declared: dict[str, Any] = field(default_factory=dict)


def store_image(draft: Path, manifest: Manifest, images: Path, *, is_shared: bool = False) -> str:
    """Move the draft into `images` under its digest, atomically, and return the digest.

    `is_shared`: the processes of an app are another user, and write in an overlay of it.
    Raises Rejected when a build left something that no image can hold.
    """
    check_folders(draft)
    _set_modes(draft, extra=0o022 if is_shared else 0)
    fields = {name: value for name, value in asdict(manifest).items() if value or name in {"kind", "processes"}}
    text = json.dumps(fields, sort_keys=True, indent=1)
    (draft / MANIFEST).write_text(text, encoding="utf-8")
    digest = tree_digest(draft)
    target = image_folder(images, digest)
    if not target.exists():
        try:
            draft.rename(target)
        except OSError:
            if not target.exists():  # otherwise another build stored the same content first
                raise
        _keep_seal(images, digest, seal(str(target)))  # what starts it first need not compare its digest
    mark_used(target)
    return digest


def check_folders(draft: Path, *, root: str = "") -> None:
    """Raise Rejected where a build left what is not a folder of an image: a link would lead the platform elsewhere."""
    for entry in os.scandir(draft):
        if entry.name not in _FOLDERS or not entry.is_dir(follow_symlinks=False):
            msg = f"the build left {entry.name} beside the folder of the app, or in its place: write below that folder"
            raise Rejected(msg)
    if not (draft / "app").is_dir():
        msg = "the build removed the folder of the app"
        raise Rejected(msg)
    if not (draft / "app" / root).resolve().is_relative_to((draft / "app").resolve()):
        msg = f"the build left a link in the place of the app's root {root}, which leads out of the repository"
        raise Rejected(msg)


def _set_modes(folder: Path, *, extra: int) -> None:
    """Set the modes of all folders and files, and delete compiled Python code."""
    for entry in os.scandir(folder):
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            if entry.name == "__pycache__":
                shutil.rmtree(path)
            else:
                _set_modes(path, extra=extra)
        elif entry.is_file(follow_symlinks=False):
            is_program = entry.stat(follow_symlinks=False).st_mode & stat.S_IXUSR
            path.chmod((0o755 if is_program else 0o644) | extra)
        elif not entry.is_symlink():
            msg = f"the build left {entry.name}, which is neither a file nor a folder nor a link: delete it at its end"
            raise Rejected(msg)
    folder.chmod(0o755 | extra)


def mark_used(folder: Path) -> None:
    """Set the time of the last use: images that nothing has used for long are deleted. Raises FileNotFoundError."""
    os.utime(folder)


# A seal says that nothing was written since an image's digest was last compared. Where it differs, as after a restored
# backup, the digest is compared again.


def intact_seal(images: Path, digest: str) -> str:
    """Return the seal of an image; empty when the image has not the content of its digest any more."""
    folder, known = image_folder(images, digest), _seal_file(images, digest)
    now = seal(str(folder))
    with suppress(FileNotFoundError):
        if known.read_text(encoding="ascii") == now:
            return now
    if tree_digest(folder) != digest:
        return ""
    _keep_seal(images, digest, now)
    return now


def _keep_seal(images: Path, digest: str, now: str) -> None:
    known = _seal_file(images, digest)
    known.parent.mkdir(exist_ok=True)
    write_private(known, now)


def set_aside(images: Path, digest: str) -> None:
    """Take a changed image away, so that it is built again. What runs of it goes on."""
    with suppress(FileNotFoundError):
        image_folder(images, digest).rename(images / f".changed-{uuid.uuid4().hex}")
    forget_seal(images, digest)


def forget_seal(images: Path, digest: str) -> None:
    """Delete the seal of an image."""
    _seal_file(images, digest).unlink(missing_ok=True)


def _seal_file(images: Path, digest: str) -> Path:
    return images / ".seals" / digest.removeprefix("sha256:")


def image_folder(images: Path, digest: str) -> Path:
    """Return the folder of the image with this digest."""
    return images / digest.removeprefix("sha256:")


def read_manifest(folder: Path) -> Manifest | None:
    """Return an image's manifest, or None when the folder holds no complete image."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    path, reads = tuple(found.get("path", ())), tuple(found.get("reads", ()))
    environment, root = found.get("environment", {}), found.get("root", "")
    return Manifest(
        kind=found["kind"],
        processes=found["processes"],
        path=path,
        reads=reads,
        environment=environment,
        root=root,
        declared=found.get("declared", {}),
    )
