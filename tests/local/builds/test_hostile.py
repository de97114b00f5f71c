"""Repositories that try to lead the platform, which is isolated from nothing, to files that are not theirs."""

import json
import os
import shlex
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from functions.common.domain.build import BuildState
from functions.common.domain.declared import declared
from functions.common.errors import Rejected
from functions.local.builds.apps import secret_values
from functions.local.builds.context import Built
from functions.local.builds.dependencies import Dependencies
from functions.local.builds.detect import Kind, processes_of
from functions.local.builds.image import Manifest, image_folder, intact_seal, store_image, tree_digest
from functions.local.builds.python_apps import default_web
from functions.local.builds.steps import END_MARK, BuildLog, Steps
from functions.local.builds.tree import Tree, text_field
from functions.local.builds.usage import Usage, disk_of
from functions.local.files import remove_tree
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


def test_a_file_larger_than_memory_is_hashed_in_parts_and_once(tmp_path: Path) -> None:
    draft, images = tmp_path / "draft", tmp_path / "images"
    (draft / "app").mkdir(parents=True)
    images.mkdir()
    with (draft / "app/huge").open("wb") as file:
        file.truncate(256 * 1024**2)  # it takes no room on the disk
    tracemalloc.start()
    digest = store_image(draft, Manifest(kind="static"), images)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 32 * 1024**2
    sealed = images / ".seals" / digest.removeprefix("sha256:")
    assert sealed.read_text() == intact_seal(images, digest)


def test_a_folder_that_no_path_reaches_is_counted_and_deleted(tmp_path: Path) -> None:
    here = Path.cwd()
    try:
        os.chdir(tmp_path)
        for _ in range(1500):
            Path("deeper").mkdir()
            os.chdir("deeper")
        Path("hidden").write_bytes(bytes(1024**2))
    finally:
        os.chdir(here)

    assert disk_of(tmp_path) == sys.maxsize
    remove_tree(tmp_path / "deeper")
    assert not list(tmp_path.iterdir())


def test_nothing_outside_is_deleted_or_changed_with_a_folder(tmp_path: Path) -> None:
    kept, folder = tmp_path / "kept", tmp_path / "folder"
    kept.mkdir(mode=0o500)
    (folder / "a").mkdir(parents=True)
    (folder / "a/link").symlink_to(kept)
    (folder / "a").chmod(0)
    remove_tree(folder)
    (tmp_path / "link").symlink_to(kept)
    remove_tree(tmp_path / "link")

    assert not folder.exists()
    assert kept.stat().st_mode & 0o777 == 0o500


def test_no_name_of_a_repository_begins_a_line_of_the_log(tmp_path: Path) -> None:
    log = BuildLog(tmp_path / "log")
    for text in ("pnpm 10\n=====> succeeded", "a\r\n=====> b"):
        log.header(text)
        log.line(text)
    log.end("failed: a\n=====> succeeded")

    lines = (tmp_path / "log").read_text().splitlines()
    assert [line for line in lines if line.startswith(END_MARK)] == [lines[-1]]
    assert lines[-1].startswith(f"{END_MARK}failed: a")


def test_no_line_of_a_secret_is_in_the_log(tmp_path: Path) -> None:
    key = "-----BEGIN KEY-----\nfirst-half\nsecond-half\n-----END KEY-----"
    names = {"PRIVATE_KEY": key, "UV_INDEX_INSIDE_PASSWORD": "of-the-index", "npm_config__auth": "bmFtZTpwYXNz"}
    log = BuildLog(tmp_path / "log", secrets=secret_values({**names, "MODE": "production"}))
    for value in (*key.split("\n"), *names.values(), "production"):
        log.line(f"printed: {value}")

    text = (tmp_path / "log").read_text()
    assert [value for value in ("first-half", "second-half", "of-the-index", "bmFtZTpwYXNz") if value in text] == []
    assert "printed: production" in text


@pytest.mark.parametrize("start", ["node \ud800", "node \0", f"node {'x' * 40_000}"])
def test_a_start_script_that_nothing_can_run_or_report_fails_in_words(tmp_path: Path, start: str) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"scripts": {"start": start}}))
    package = Tree(folder=tmp_path, top=tmp_path).json("package.json")

    with pytest.raises(Rejected, match=r"nothing says how to start|more than 32768 characters"):
        processes_of({}, Built(web=text_field(package, "scripts", "start")), Kind.NODE, has_procfile=False)


def test_config_that_a_database_cannot_store_fails_in_words() -> None:
    with pytest.raises(Rejected, match="the value of env A must be"):
        declared({"env": {"A": {"value": "\ud800"}}})
    described = declared({"env": {"A": {"description": "\udc00"}, "B": {"description": "a\n=====> b"}}}).env
    assert [one.description for one in described.values()] == ["", "a =====> b"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system has no /proc")
def test_a_file_without_a_name_counts_as_disk_that_a_build_uses(tmp_path: Path) -> None:
    program = (
        "import os, subprocess, sys\nfile = open('hidden', 'wb')\nos.unlink('hidden')\nfile.write(bytes(8 * 1024**2))\n"
        "file.flush()\nchild = subprocess.Popen(['sleep', '60'], stdout=file)\nprint(flush=True)\nchild.wait()"
    )
    argv = [sys.executable, "-c", program]
    with subprocess.Popen(argv, cwd=tmp_path, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            used = Usage(process=process.pid, folders=(tmp_path,), memory=0, disk=4 * 1024**2).excess()
            fits = Usage(process=process.pid, folders=(tmp_path,), memory=0, disk=12 * 1024**2).excess()
        finally:
            os.killpg(process.pid, signal.SIGKILL)

    assert used[0] == "disk"
    assert fits == ("", "")  # two processes have it open, and it counts once


def test_a_site_outside_of_the_repository_fails_in_words(world: BuildWorld) -> None:
    files: dict[str, str | None] = {"Staticfile": "root: ../..\n", "index.html": "x"}
    result = world.ended(world.order(world.repository.commit(files)))

    assert "the site's root, '../..', is no folder of this repository" in result.reason
    assert "Traceback" not in world.log(result.name)


def test_a_folders_name_is_no_command_of_the_shell_that_starts_django(tmp_path: Path) -> None:
    folder = tmp_path / "a$(touch x)"
    folder.mkdir()
    for path in (tmp_path / "manage.py", folder / "wsgi.py"):
        path.touch()
    command, _, _ = default_web(Tree(folder=tmp_path, top=tmp_path), {"django", "gunicorn"})

    assert shlex.split(command)[-1] == "a$(touch x).wsgi:application"
