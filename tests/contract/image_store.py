"""The contract of ImageStore."""

from typing import Protocol

from functions.common.ports.images import ImageStore

MISSING = "sha256:" + "0" * 64


class ImageWorld(Protocol):
    """A store, and a way to put an image into it."""

    @property
    def images(self) -> ImageStore:
        """Return the store under test."""
        ...

    def put(self, reference: str) -> str:
        """Store some image and return its digest."""
        ...


class ImageStoreContract:
    """Subclasses provide the fixture `world`."""

    def test_an_image_is_found_under_its_own_digest_only(self, world: ImageWorld) -> None:
        """Other digests and other texts do not find it."""
        digest = world.put("local/hello")

        assert world.images.has("local/hello", digest)
        for other in (MISSING, digest[:-1], "", "sha256:..", "latest"):
            assert not world.images.has("local/hello", other)

    def test_deleting_an_image_twice_is_no_error(self, world: ImageWorld) -> None:
        """Nor is deleting one that never existed."""
        digest = world.put("local/hello")
        for one in (digest, digest, MISSING):
            world.images.delete("local/hello", one)

        assert not world.images.has("local/hello", digest)
