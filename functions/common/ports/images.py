"""Images: the registry, and which images nothing needs."""

from typing import Protocol

# Where images are kept, by digest.


class ImageStore(Protocol):
    """A registry, or a folder."""

    def has(self, reference: str, digest: str) -> bool:
        """Return whether the image is there under exactly this digest."""
        ...

    def delete(self, reference: str, digest: str) -> None:
        """Delete the image; one that is not there is no error."""
        ...


# Images that nothing needs any more.


class ImageRetention(Protocol):
    """Chooses images to delete: what runs, is on its way, or can be rolled back to is never one."""

    def claim(self, *, releases: int, limit: int) -> tuple[tuple[str, str], ...]:
        """Return (reference, digest) of the oldest images that nothing needs, and let no build use them again.

        At most `limit` of apps that are there, and as many of deleted ones.

        The newest `releases` of each open environment keep theirs, and what was built within the hour stays. An
        image that is not said to be deleted is returned again a day later, unless it is needed by then.
        """
        ...

    def deleted(self, reference: str, digest: str) -> None:
        """Note that the image is gone."""
        ...
