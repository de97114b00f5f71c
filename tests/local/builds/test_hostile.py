"""Repositories that try to lead the platform, which is isolated from nothing, to files that are not theirs."""

import json
from pathlib import Path

import pytest

from functions.common.domain.build import BuildState
from functions.local.builds.dependencies import Dependencies
from functions.local.builds.image import image_folder, tree_digest
from functions.local.builds.steps import BuildLog, Steps
from tests.local.builds import tiny_backend
from tests.local.builds.conftest import BuildWorld

MKDOCS = (
    "import os, sys, pathlib\n"
    "pathlib.Path('site').unlink(missing_ok=True)\n"
    "os.symlink(pathlib.Path('target').read_text(), 'site')\n"
)


@pytest.fixture
def victim(world: BuildWorld) -> Path:
    """Return another app's folder, which looks like what a build made."""
    folder = world.workspace.home / "victim"
    for name in ("dist/index.html", "node_modules/a/index.js", "node_modules/.package-lock.json"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a secret")
    return folder


def test_a_build_script_that_puts_a_link_in_the_place_of_the_app_moves_nothing(world: BuildWorld, victim: Path) -> None:
    before = tree_digest(victim)
    script = f"cd .. && rm -rf app && ln -s {victim} app"
    package = {"scripts": {"build": script}}
    result = world.ended(world.order(world.repository.commit({"package.json": json.dumps(package)})))

    assert result.state is BuildState.FAILED
    assert "in its place" in result.reason
    assert tree_digest(victim) == before


def test_a_link_in_the_place_of_a_site_of_mkdocs_moves_nothing(world: BuildWorld, victim: Path) -> None:
    before = tree_digest(victim)
    backend = Path(tiny_backend.__file__).read_text()
    backend = backend.replace("tiny", "mkdocs").replace('"mkdocs.py": ""', f'"mkdocs/__main__.py": {MKDOCS!r}')
    project = (
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "mkdocs"\nversion = "1"\n'
    )
    files: dict[str, str | None] = {
        "pyproject.toml": project, "backend.py": backend, "mkdocs.yml": "", "target": str(victim)
    }  # fmt: skip
    result = world.ended(world.order(world.repository.commit(files)))

    assert result.state is BuildState.FAILED
    assert "is no folder of this repository" in result.reason
    assert tree_digest(victim) == before


def test_dependencies_are_not_taken_from_where_a_link_in_an_image_leads(tmp_path: Path) -> None:
    outside, draft = tmp_path / "outside", tmp_path / "draft"
    (outside / "node_modules").mkdir(parents=True)
    (outside / "node_modules/secret").write_text("a secret")
    (draft / "app").mkdir(parents=True)
    (draft / "app/web").symlink_to(outside)
    digest = tree_digest(draft)
    images = tmp_path / "images"
    images.mkdir()
    draft.rename(image_folder(images, digest))
    steps = Steps(log=BuildLog(tmp_path / "log"), environment={"PATH": "/usr/bin:/bin"}, confine=lambda argv, *_: argv)
    kept = Dependencies(folder=tmp_path / "kept", images=images, user=0, steps=steps)
    kept.note("key", digest, "app/web/node_modules")

    assert not kept.reuse("key", tmp_path / "new")
    assert not (tmp_path / "new").exists()
