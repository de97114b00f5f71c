"""Images: the store, and the choice of images to delete."""

from typing import Protocol

from functions.common.domain.declared import Declared


class ImageStore(Protocol):
    """Stores images by digest: a registry, or a folder."""

    def has(self, reference: str, digest: str) -> bool:
        """Return whether the image exists under exactly this digest."""
        ...

    def is_of(self, app: str, reference: str) -> bool:
        """Return whether builds of the app make images of this name: an image of another name is not theirs."""
        ...

    def delete(self, reference: str, digest: str) -> None:
        """Delete the image; a missing one is not an error."""
        ...


class DeclaredImages(Protocol):
    """Reads what the repository of an image declares."""

    def declared(self, digest: str) -> Declared:
        """Return it; nothing when the platform does not know it."""
        ...


class ImageResolver(Protocol):
    """Finds images by their references."""

    def resolve(self, reference: str) -> tuple[str, str]:
        """Return name and digest of an image by its reference, NAME:TAG or NAME@DIGEST.

        Raises Rejected, naming the reason, when the platform cannot run such an image, or there is none.
        """
        ...

    def app_of(self, name: str) -> str | None:
        """Return the app whose builds alone make images of this name, empty when the name does not say which app.

        None for a name that is nobody's.
        """
        ...


class ImageRetention(Protocol):
    """Chooses images to delete: never one that runs, is being released, or can be rolled back to."""

    def claim(self, *, releases: int, limit: int) -> tuple[tuple[str, str], ...]:
        """Return (reference, digest) of the oldest images that nothing needs, and let no build reuse them.

        At most `limit` of existing apps, and as many of deleted ones. Needed are the images of the newest `releases`
        of each open environment, and those built within the last hour. An image that is not marked as deleted is
        returned again a day later, unless it is needed by then.
        """
        ...

    def mark_deleted(self, reference: str, digest: str) -> None:
        """Record that the image is deleted."""
        ...
