"""Images on this machine."""

import re
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from functions.common.errors import Unavailable

# ImageStore of the one-machine platform: folders named by their digest.

_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalImageStore:
    """ImageStore in the folder `images`; a folder appears there whole or not at all."""

    images: Path

    def has(self, reference: str, digest: str) -> bool:  # noqa: ARG002 - one folder for all references
        """Return whether the image is there; see ImageStore."""
        return bool(_DIGEST.match(digest)) and self._folder(digest).is_dir()

    def delete(self, reference: str, digest: str) -> None:
        """Delete the image; see ImageStore."""
        if not self.has(reference, digest):
            return
        # Renamed first: half an image is never found under its digest.
        doomed = self.images / f".deleted-{uuid.uuid4().hex}"
        try:
            self._folder(digest).rename(doomed)
            shutil.rmtree(doomed)
        except FileNotFoundError:
            return
        except OSError as error:
            msg = f"image {digest} cannot be deleted now: {error.strerror}"
            raise Unavailable(msg) from error

    def _folder(self, digest: str) -> Path:
        return self.images / digest.removeprefix("sha256:")


# ImageRetention where whoever keeps images deletes those that nothing needs.


class NoImageRetention:
    """ImageRetention that chooses none."""

    def claim(self, *, releases: int, limit: int) -> tuple[tuple[str, str], ...]:  # noqa: ARG002 - there is none
        """Return none; see ImageRetention."""
        return ()

    def mark_deleted(self, reference: str, digest: str) -> None:
        """Do nothing; see ImageRetention."""
