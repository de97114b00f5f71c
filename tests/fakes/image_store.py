"""An image store in memory."""


class FakeImageStore:
    """ImageStore; fill `images` with (reference, digest)."""

    def __init__(self) -> None:
        self.images: set[tuple[str, str]] = set()

    def has(self, reference: str, digest: str) -> bool:
        """Return whether the image exists; see ImageStore."""
        return (reference, digest) in self.images

    def is_of(self, app: str, reference: str) -> bool:
        """Return whether its name ends with the app's, if the report names the app; see ImageStore."""
        return app in {"", reference.rpartition("/")[2]}

    def delete(self, reference: str, digest: str) -> None:
        """Delete the image; see ImageStore."""
        self.images.discard((reference, digest))
