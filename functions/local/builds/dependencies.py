"""The dependencies that an app's build before has installed: what has not changed is not installed again.

The folder of an environment holds a note of which dependencies its newest image has, and those of a site, whose image
has none. No build can write in it.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from functions.local.builds.image import image_folder, intact_seal
from functions.local.builds.steps import Steps
from functions.local.files import remove_tree, write_private
from functions.local.sandbox.isolation import give

_NOTE, _KEPT = "note.json", "kept"


def dependencies_folder(home: Path, app: str, environment: str) -> Path:
    """Return the folder of an environment."""
    return home / "cache" / "dependencies" / app / environment


def key_of(parts: Iterable[str]) -> str:
    """Return the key of dependencies that are installed by these texts."""
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """The dependencies of one environment; `user` is the one of its builds."""

    folder: Path
    images: Path
    user: int
    steps: Steps

    def reuse(self, key: str, target: Path) -> bool:
        """Put the folder that was installed by this key at `target`, where nothing may be; return whether it is there.

        A failed attempt leaves nothing, and the dependencies are installed.
        """
        note = self._note()
        if not key or note.get("key") != key or os.path.lexists(target):
            return False
        if not note.get("digest"):
            kept = self.folder / _KEPT
            if not kept.is_dir():
                return False
            kept.rename(target)  # a build that fails loses it
        elif not self._copy(note["digest"], note["path"], target):
            return False
        give(target, self.user)
        return True

    def _copy(self, digest: str, path: str, target: Path) -> bool:
        image = image_folder(self.images, digest)
        source = image / path
        with suppress(FileNotFoundError):
            # An app's root may be a link: none leads out of the image.
            if intact_seal(self.images, digest) and source.is_dir() and source.resolve() == image.resolve() / path:
                done, why = self.steps.ask(["cp", "-a", source, target], folder=self.images)
                if done:
                    return True
                self.steps.log.line(why.strip())
        remove_tree(target)
        return False

    def keep(self, key: str, installed: Path) -> None:
        """Take the folder of a draft that no image will hold; otherwise call `note`."""
        self.forget()
        if not key or installed.is_symlink() or not installed.is_dir():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        installed.rename(self.folder / _KEPT)
        self._write({"key": key})

    def note(self, key: str, digest: str, path: str) -> None:
        """Note that an image has the dependencies of this key at a path below its folder."""
        self.forget()
        if key:
            self._write({"key": key, "digest": digest, "path": path})

    def forget(self) -> None:
        """Forget all."""
        remove_tree(self.folder)

    def _note(self) -> dict[str, str]:
        try:
            return dict(json.loads((self.folder / _NOTE).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return {}

    def _write(self, note: Mapping[str, str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_private(self.folder / _NOTE, json.dumps(note))
