"""An image store in memory."""


class FakeImageStore:
    """ImageStore; fill `images` with (reference, digest)."""

    def __init__(self) -> None:
        self.images: set[tuple[str, str]] = set()

    def has(self, reference: str, digest: str) -> bool:
        """Return whether the image exists; see ImageStore."""
        return (reference, digest) in self.images

    def delete(self, reference: str, digest: str) -> None:
        """Delete the image; see ImageStore."""
        self.images.discard((reference, digest))
