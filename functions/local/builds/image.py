"""An image: a folder named by the digest of its content, with a manifest inside."""

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from functions.local.builds.digest import tree_digest

MANIFEST = "slipway.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What the platform must know to run the image; `app` and `venv` are its folders."""

    kind: str
    processes: dict[str, str] = field(default_factory=dict)


def store_image(draft: Path, manifest: Manifest, images: Path) -> str:
    """Move the draft into `images` under its digest, in one step, and return the digest."""
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
            if not target.exists():  # otherwise another build of the same content was first
                raise
    used_now(target)
    return digest


def used_now(folder: Path) -> None:
    """Note that the image is used: old ones that nothing uses are deleted. Raises FileNotFoundError."""
    os.utime(folder)


def image_folder(images: Path, digest: str) -> Path:
    """Return the folder of the image with this digest."""
    return images / digest.removeprefix("sha256:")


def read_manifest(folder: Path) -> Manifest | None:
    """Return an image's manifest, or None when the folder holds no whole image."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Manifest(kind=found["kind"], processes=found["processes"])
