"""What every ImageStore keeps to."""

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
    """To be subclassed with a fixture `world`."""

    def test_an_image_is_there_under_its_own_digest_alone(self, world: ImageWorld) -> None:
        """No other digest finds it, nor anything that is no digest."""
        digest = world.put("local/hello")

        assert world.images.has("local/hello", digest)
        for other in (MISSING, digest[:-1], "", "sha256:..", "latest"):
            assert not world.images.has("local/hello", other)

    def test_a_deleted_image_is_gone_and_a_second_time_is_no_error(self, world: ImageWorld) -> None:
        """Nor is one that was never there."""
        digest = world.put("local/hello")
        for one in (digest, digest, MISSING):
            world.images.delete("local/hello", one)

        assert not world.images.has("local/hello", digest)
