"""Where images are kept, by digest."""

from typing import Protocol


class ImageStore(Protocol):
    """A registry, or a folder."""

    def has(self, reference: str, digest: str) -> bool:
        """Return whether the image is there under exactly this digest."""
        ...

    def delete(self, reference: str, digest: str) -> None:
        """Delete the image; one that is not there is no error."""
        ...
