"""ImageStore: the fake, the folder and a registry fulfil the same contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.common.adapters.local.images import LocalImageStore
from functions.common.adapters.registry import RegistryImages
from functions.common.errors import Rejected, Unavailable
from functions.local.builds.image import Manifest, store_image
from tests.contract.image_store import ImageStoreContract, ImageWorld
from tests.fakes.image_store import FakeImageStore
from tests.fakes.loopback import served
from tests.fakes.loopback_registry import LoopbackRegistry


class _FakeWorld:
    def __init__(self) -> None:
        self.images = FakeImageStore()

    def put(self, reference: str) -> str:
        digest = "sha256:" + "1" * 64
        self.images.images.add((reference, digest))
        return digest


class _LocalWorld:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "images").mkdir()
        self.images = LocalImageStore(images=folder / "images")

    def put(self, reference: str) -> str:
        draft = self._folder / "draft"
        draft.mkdir()
        (draft / "name").write_text(reference)
        return store_image(draft, Manifest(kind="static"), self._folder / "images")


class TestFake(ImageStoreContract):
    """In memory."""

    @pytest.fixture
    def world(self) -> ImageWorld:
        """Return an empty store."""
        return _FakeWorld()


class TestLocal(ImageStoreContract):
    """In a folder."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> ImageWorld:
        """Return an empty store."""
        return _LocalWorld(tmp_path)


class _RegistryWorld:
    def __init__(self, registry: LoopbackRegistry, url: str) -> None:
        self.registry = registry
        self.images = RegistryImages(registry="registry.example.org/apps", url=url)

    def put(self, reference: str) -> str:
        return self.registry.put(f"apps/{reference}")


class TestRegistry(ImageStoreContract):
    """HTTP on this machine."""

    @pytest.fixture
    def world(self) -> Iterator[ImageWorld]:
        """Yield an empty registry."""
        registry = LoopbackRegistry()
        with served(registry) as url:
            yield _RegistryWorld(registry, url)

    def test_a_reference_may_begin_with_the_registrys_name(self, world: _RegistryWorld) -> None:
        """Builders report it so."""
        digest = world.put("hello")

        assert world.images.has("registry.example.org/apps/hello", digest)

    @pytest.mark.parametrize(("status", "error"), [(503, Unavailable), (429, Unavailable), (401, Rejected)])
    def test_a_refusal_is_not_a_missing_image(self, world: _RegistryWorld, status: int, error: type[Exception]) -> None:
        """Otherwise a build would fail without a reason."""
        digest = world.put("hello")
        world.registry.failures = [status]

        with pytest.raises(error):
            world.images.has("hello", digest)

    def test_an_outage_is_unavailable(self, world: _RegistryWorld) -> None:
        """It is not mistaken for an answer."""
        nobody_listens = "http://127.0.0.1:1"
        down = RegistryImages(registry="registry.example.org", url=nobody_listens)

        with pytest.raises(Unavailable):
            down.has("hello", world.put("hello"))

    def test_a_registry_without_deletion_is_rejected(self, world: _RegistryWorld) -> None:
        """With the remedy."""
        digest, world.registry.deletes = world.put("hello"), False

        with pytest.raises(Rejected, match="allow deletion"):
            world.images.delete("hello", digest)
