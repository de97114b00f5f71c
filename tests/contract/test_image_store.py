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
        (draft / "app").mkdir(parents=True)
        (draft / "app" / "name").write_text(reference)
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

    def test_builds_of_an_app_push_to_its_own_name_alone(self, world: _RegistryWorld) -> None:
        """A build that reports another image, or one of another registry, has none."""
        assert world.images.is_of("hello", "registry.example.org/apps/hello")
        for app, name in [("hello", "other"), ("", "hello"), ("", ""), ("hello", "hello/x"), ("hello", "x/../hello")]:
            assert not world.images.is_of(app, f"registry.example.org/apps/{name}"), name
        for name in ("hello", "registry.example.net/apps/hello", "registry.example.org/hello"):
            assert not world.images.is_of("hello", name), name

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


class TestReferences:
    """Images by their references, in the platform's registry and in others."""

    @pytest.fixture
    def other(self) -> LoopbackRegistry:
        """Return another registry."""
        return LoopbackRegistry()

    @pytest.fixture
    def images(self, other: LoopbackRegistry) -> Iterator[RegistryImages]:
        """Yield the platform's registry with apps/hello:v1, and another one whose host is allowed."""
        own = LoopbackRegistry()
        digest = own.put("apps/hello")
        own.tags["apps/hello", "v1"] = digest
        with served(own) as url, served(other) as other_url:
            others = {"images.example.net": other_url}
            yield RegistryImages(registry="registry.example.org/apps", url=url, others=others)

    @pytest.mark.parametrize("reference", ["hello:v1", "registry.example.org/apps/hello:v1", "hello@DIGEST"])
    def test_an_image_of_the_platforms_registry_is_found(self, images: RegistryImages, reference: str) -> None:
        """By tag and by digest, with and without the registry's name."""
        digest = LoopbackRegistry().put("apps/hello")

        found = images.resolve(reference.replace("DIGEST", digest))

        assert found == ("registry.example.org/apps/hello", digest)
        assert images.has(*found)
        assert images.app_of(found[0]) == "hello"

    @pytest.mark.parametrize(
        "name",
        ["registry.example.org/apps/team/web", "registry.example.org/web", "images.example.net/web", "hello"],
    )
    def test_a_name_where_no_build_pushes_is_no_apps(self, images: RegistryImages, name: str) -> None:
        """Others push there."""
        assert images.app_of(name) is None

    @pytest.mark.parametrize("token", ["", "given-to-everybody"])
    def test_an_image_of_another_registry_is_found_and_never_deleted(
        self, images: RegistryImages, other: LoopbackRegistry, token: str
    ) -> None:
        """With the anonymous token that the registry asks for."""
        digest = other.put("team/web")
        other.tags["team/web", "latest"] = digest
        other.token = token

        found = images.resolve("images.example.net/team/web")
        images.delete(*found)

        assert found == ("images.example.net/team/web", digest)
        assert images.has(*found)

    @pytest.mark.parametrize(
        ("reference", "why"),
        [
            ("hello:v2", "has no registry.example.org/apps/hello, or not as v2"),
            ("hello@sha256:" + "0" * 64, "or not as sha256:0"),
            ("sha256:" + "0" * 64, "no build of yours made sha256:0"),
            ("elsewhere.example.com/web:1", "elsewhere.example.com is not allowed"),
            ("127.0.0.1:5000/web", "127.0.0.1:5000 is not allowed"),
            ("localhost/web", "localhost is not allowed"),
            ("Hello", "not a reference"),
            ("hello:v1 ", "not a reference"),
            ("../etc/passwd", "not a reference"),
            ("hello@sha256:short", "not a reference"),
            ("https://registry.example.org/apps/hello", "not a reference"),
            ("x" * 5000, "not a reference"),
            ("", "not a reference"),
        ],
    )
    def test_what_cannot_be_deployed_is_refused_with_the_reason(
        self, images: RegistryImages, reference: str, why: str
    ) -> None:
        """The field of the request is named."""
        with pytest.raises(Rejected, match=r"^image: ") as refused:
            images.resolve(reference)

        assert why in str(refused.value)

    def test_a_token_service_elsewhere_without_tls_is_not_called(
        self, images: RegistryImages, other: LoopbackRegistry
    ) -> None:
        """The registry could lead the platform to any address."""
        other.token, other.realm = "any", "http://10.0.0.1/"

        with pytest.raises(Rejected, match="401"):
            images.resolve("images.example.net/team/web")
