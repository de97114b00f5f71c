"""Images of one machine: folders named by their digest."""

import json
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from functions.common.domain.build import is_digest
from functions.common.domain.declared import Declared, declared
from functions.common.errors import Rejected, Unavailable

_MANIFEST = "slipway.json"  # as functions/local/builds/image.py writes it


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalImageStore:
    """ImageStore, DeclaredImages and ImageResolver in `images`: an image's folder appears complete or not at all."""

    images: Path

    def has(self, reference: str, digest: str) -> bool:  # noqa: ARG002 - one folder for all references
        """Return whether the image exists; see ImageStore."""
        return is_digest(digest) and self._folder(digest).is_dir()

    def is_of(self, app: str, reference: str) -> bool:  # noqa: ARG002 - the build runner stored all images that it has
        """Return True: an image is found by its digest, whatever it is called; see ImageStore."""
        return True

    def delete(self, reference: str, digest: str) -> None:
        """Delete the image; see ImageStore."""
        if not self.has(reference, digest):
            return
        # Renamed first: an incomplete image is never found under its digest.
        deleted = self.images / f".deleted-{uuid.uuid4().hex}"
        try:
            self._folder(digest).rename(deleted)
            shutil.rmtree(deleted)
        except FileNotFoundError:
            return
        except OSError as error:
            msg = f"image {digest} cannot be deleted now: {error.strerror}"
            raise Unavailable(msg) from error

    def declared(self, digest: str) -> Declared:
        """Return what the image's manifest holds of app.json; see DeclaredImages."""
        if not is_digest(digest):
            return Declared()
        try:
            manifest = json.loads((self._folder(digest) / _MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return Declared()
        return declared(manifest.get("declared", {}))

    def resolve(self, reference: str) -> tuple[str, str]:
        """Return the image that a build of this machine stored under a digest; see ImageResolver."""
        digest = reference.rpartition("@")[2]
        if not is_digest(digest):
            msg = (
                "image: images of registries cannot run on one machine, which runs what it built itself: push the "
                "commit instead, or give the digest of one of its images, sha256:..., as `paas releases --json` has it"
            )
            raise Rejected(msg)
        if not self.has("", digest):
            msg = f"image: there is no image {digest} on this machine: push its commit to build it"
            raise Rejected(msg)
        return reference.rpartition("@")[0], digest

    def app_of(self, name: str) -> str:  # noqa: ARG002 - an image is found by its digest, whatever it is called
        """Return an empty name: builds made all images, and their digests say of which app; see ImageResolver."""
        return ""

    def _folder(self, digest: str) -> Path:
        return self.images / digest.removeprefix("sha256:")


class NoImageRetention:
    """ImageRetention of one machine, where the rollout controller deletes unneeded images itself."""

    def claim(self, *, releases: int, limit: int) -> tuple[tuple[str, str], ...]:  # noqa: ARG002 - nothing to do
        """Return none; see ImageRetention."""
        return ()

    def mark_deleted(self, reference: str, digest: str) -> None:
        """Do nothing; see ImageRetention."""
