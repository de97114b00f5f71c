"""An app in a folder of its repository: what is built, what the image has, and where its processes run."""

import json
from pathlib import Path

import pytest

from functions.common.adapters.local.images import LocalImageStore
from functions.common.domain.build import BuildOrder, BuildResult, BuildState, build_name
from functions.common.errors import Rejected
from functions.local.builds.detect import check_root
from functions.local.builds.image import read_manifest
from tests.local.builds.conftest import BuildWorld

FILES = {
    "web/index.html": "the site",
    "api/Procfile": "web: python app.py\nworker: python ../shared/work.py\n",
    "api/requirements.txt": "# none\n",
    "api/app.py": "print('api')",
    "shared/work.py": "print('work')",
    "README.md": "",
}


def ordered(world: BuildWorld, sha: str, root: str, environment: str = "production") -> BuildResult:
    order = BuildOrder(
        name=build_name("hello", environment, sha, root), app="hello", environment=environment, push="p1",
        clone_url=world.repository.clone_url, ref="refs/heads/main", sha=sha, root=root,
    )  # fmt: skip
    world.builder.start(order)
    return world.ended(order.name)


def image_of(world: BuildWorld, result: BuildResult) -> Path:
    assert result.image, result
    return world.workspace.images / result.image.digest.removeprefix("sha256:")


def test_each_folder_of_a_commit_is_an_app_of_its_own(world: BuildWorld) -> None:
    sha = world.repository.commit({**FILES})
    api, web = ordered(world, sha, "api"), ordered(world, sha, "web")

    folder, manifest = image_of(world, api), read_manifest(image_of(world, api))
    assert manifest is not None
    assert (manifest.kind, manifest.root) == ("python", "api")
    assert manifest.processes == {"web": "python app.py", "worker": "python ../shared/work.py"}
    assert (folder / "app" / "shared" / "work.py").exists()
    site = read_manifest(image_of(world, web))
    assert site is not None
    assert (site.kind, site.root) == ("static", "web")


def test_the_same_commit_and_folder_is_not_built_again_and_another_folder_is(world: BuildWorld) -> None:
    sha = world.repository.commit({**FILES})
    first = ordered(world, sha, "api")
    again = ordered(world, sha, "api", "feature")
    other = ordered(world, sha, "web")

    assert first.image == again.image
    assert "was built before" in world.log(again.name)
    assert "was built before" not in world.log(other.name)


@pytest.mark.parametrize(("root", "there"), [("none", "at its top there are api, shared, web"), ("api/none", "in api")])
def test_a_folder_that_a_commit_has_not_fails_by_name(world: BuildWorld, root: str, there: str) -> None:
    result = ordered(world, world.repository.commit({**FILES, "api/inner/x": ""}), root)

    assert (result.state, result.step) == (BuildState.FAILED, "detect")
    assert f"the app's root {root} is no folder of this commit: {there}" in result.reason


def test_nothing_in_the_folder_says_so(world: BuildWorld) -> None:
    result = ordered(world, world.repository.commit({**FILES}), "shared")

    assert result.step == "detect"
    assert "in shared, the app's root," in result.reason


def test_a_link_is_no_way_out_of_the_repository(tmp_path: Path) -> None:
    checkout = tmp_path / "app"
    (checkout / "web").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    (checkout / "out").symlink_to(tmp_path / "secret")
    (checkout / "same").symlink_to("web")

    check_root(checkout, "")
    check_root(checkout, "web")
    check_root(checkout, "same")
    for root in ("out", "out/x", "web/index.html"):
        with pytest.raises(Rejected, match=r"there are web|has no folders"):
            check_root(checkout, root)


def test_a_site_that_a_folder_makes_is_the_whole_image(world: BuildWorld) -> None:
    build = "node -e \"require('fs').mkdirSync('dist');require('fs').writeFileSync('dist/index.html','made')\""
    package = json.dumps({"scripts": {"build": build}})
    result = ordered(world, world.repository.commit({**FILES, "front/package.json": package, "site/x": ""}), "front")

    folder = image_of(world, result)
    manifest = read_manifest(folder)
    assert manifest is not None
    assert (manifest.root, [one.name for one in (folder / "app").iterdir()]) == ("", ["index.html"])


def test_an_image_has_what_the_app_json_of_its_folder_declares(world: BuildWorld) -> None:
    given = {"env": {"KEY": {"generator": "secret"}, "LEVEL": "3"}, "formation": {"worker": {"quantity": 2}}}
    files: dict[str, str | None] = {**FILES, "app.json": '{"env": {"OTHER": "x"}}', "api/app.json": json.dumps(given)}
    result = ordered(world, world.repository.commit(files), "api")

    assert result.image, result
    found = LocalImageStore(images=world.workspace.images).declared(result.image.digest)
    assert {name: one.value for name, one in found.env.items()} == {"KEY": "", "LEVEL": "3"}
    assert found.formation == {"worker": 2}


def test_an_app_json_that_cannot_be_honoured_fails_in_words(world: BuildWorld) -> None:
    files: dict[str, str | None] = {**FILES, "api/app.json": '{"formation": {"worker": {"quantity": "many"}}}'}
    result = ordered(world, world.repository.commit(files), "api")

    assert (result.state, result.step) == (BuildState.FAILED, "detect")
    assert "app.json: the quantity of worker must be a number" in result.reason
