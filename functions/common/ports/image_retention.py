"""Images that nothing needs any more."""

from typing import Protocol


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
