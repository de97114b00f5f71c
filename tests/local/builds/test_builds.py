"""Builds of real commits."""

import json
import os
import shutil
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from functions.common.adapters.local.images import LocalImageStore
from functions.common.domain.build import BuildState, build_name
from functions.local.builds.dependencies import Dependencies
from functions.local.builds.image import tree_digest
from functions.local.builds.python import remove_build_metadata
from functions.local.builds.steps import END_MARK, BuildLog, StepFailed, Steps
from tests.local.builds.conftest import LIMIT, BuildWorld, make_world, running
from tests.local.waiting import until
from tests.patience import patient

SLEEPING = '{"scripts": {"start": "true", "build": "echo begun; (trap \'\' TERM; sleep 300) & sleep 300"}}'


def test_the_python_example_becomes_an_image_named_by_its_content(world: BuildWorld) -> None:
    result = world.ended(world.order(world.repository.commit_example("hello")))

    assert result.state is BuildState.SUCCEEDED
    assert result.image
    assert result.image.processes == {"web": "python app.py"}
    folder = world.workspace.images / result.image.digest.removeprefix("sha256:")
    assert tree_digest(folder) == result.image.digest
    assert LocalImageStore(images=world.workspace.images).has(result.image.reference, result.image.digest)
    ran = subprocess.run([folder / "venv/bin/python", "-c", "print(6 * 7)"], capture_output=True, text=True, check=True)
    assert ran.stdout == "42\n"


def test_the_same_tree_in_another_commit_gives_the_same_digest_quickly(world: BuildWorld) -> None:
    first = world.ended(world.order(world.repository.commit_example("hello")))
    began = time.monotonic()
    second = world.ended(world.order(world.repository.commit({})))

    assert time.monotonic() - began < patient(10)  # well under one second when nothing else runs
    assert first.image
    assert second.image
    assert first.image.digest == second.image.digest


def test_the_same_commit_is_not_built_again_for_another_environment(world: BuildWorld) -> None:
    sha = world.repository.commit_example("static")
    first = world.ended(world.order(sha))
    name = world.order(sha, "feature")

    assert world.ended(name).image == first.image
    assert "was built before" in world.log(name)


def test_a_project_with_a_build_system_is_installed_reproducibly(world: BuildWorld) -> None:
    project = (
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "tiny"\nversion = "1"\n'
    )
    backend = Path(__file__).with_name("tiny_backend.py").read_text()
    files: dict[str, str | None] = {"pyproject.toml": project, "backend.py": backend, "Procfile": "web: tiny"}
    first = world.ended(world.order(world.repository.commit(files)))
    second = world.ended(world.order(world.repository.commit({})))

    assert first.image, first
    assert second.image, second
    assert first.image.digest == second.image.digest


def test_a_node_app_runs_its_build_script(world: BuildWorld) -> None:
    package = (
        '{"scripts": {"start": "node .", "build": "node -e \\"require(\'fs\').writeFileSync(\'made\', \'yes\')\\""}}'
    )
    result = world.ended(world.order(world.repository.commit({"package.json": package})))

    assert result.image, result
    assert result.image.processes == {"web": "node ."}
    assert (world.workspace.images / result.image.digest.removeprefix("sha256:") / "app" / "made").read_text() == "yes"


def test_a_node_app_of_several_packages_has_them_installed(world: BuildWorld) -> None:
    files = {
        "package.json": {"workspaces": ["parts/*"], "scripts": {"start": "node parts/web", "build": "node parts/web"}},
        "parts/tiny/package.json": {"name": "tiny", "version": "1.0.0"},
        "parts/web/package.json": {"name": "web", "version": "1.0.0", "dependencies": {"tiny": "*"}},
    }
    tree: dict[str, str | None] = {name: json.dumps(package) for name, package in files.items()}
    tree |= {"parts/tiny/index.js": "module.exports = 'tiny'", "parts/web/index.js": "console.log(require('tiny'))"}
    name = world.order(world.repository.commit(tree))

    assert world.ended(name).state is BuildState.SUCCEEDED, world.log(name)
    assert "       tiny\n" in world.log(name)


@pytest.mark.parametrize("asks", ["peerDependencies", "package-lock.json"])
def test_a_node_app_is_installed_by_peer_dependencies_or_a_lock_file(world: BuildWorld, asks: str) -> None:
    package: dict[str, object] = {"name": "app", "version": "1.0.0", "scripts": {"start": "node ."}}
    if asks == "peerDependencies":
        package[asks] = {"tiny": "file:./tiny"}
    tree: dict[str, str | None] = {
        "package.json": json.dumps(package),
        "tiny/package.json": '{"name": "tiny", "version": "1.0.0"}',
    }
    if asks == "package-lock.json":
        tree[asks] = json.dumps({"name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": package}})
    name = world.order(world.repository.commit(tree))

    assert world.ended(name).state is BuildState.SUCCEEDED, world.log(name)
    assert "-----> Installing dependencies with npm" in world.log(name)


def test_a_failure_names_the_step_and_keeps_the_last_lines(world: BuildWorld) -> None:
    package = '{"scripts": {"start": "x", "build": "echo it broke here; exit 3"}}'
    result = world.ended(world.order(world.repository.commit({"package.json": package})))

    assert (result.state, result.step) == (BuildState.FAILED, "build script")
    assert "exit code 3" in result.reason
    assert "it broke here" in result.log_tail


def test_a_failure_whose_log_has_nul_bytes_is_recorded(world: BuildWorld) -> None:
    script = 'node -e "console.log(String.fromCharCode(105, 116, 0, 33)); process.exit(3)"'
    package = json.dumps({"scripts": {"start": "x", "build": script}})
    result = world.ended(world.order(world.repository.commit({"package.json": package})))

    assert (result.state, result.step) == (BuildState.FAILED, "build script")
    assert "it!" in result.log_tail


def test_an_internal_error_fails_one_build_and_no_other(world: BuildWorld) -> None:
    sha = world.repository.commit_example("static")
    in_the_way = world.workspace.work_path(build_name("hello", "broken", sha))
    in_the_way.parent.mkdir(parents=True)
    in_the_way.touch()  # where its work folder should be
    broken, sound = world.order(sha, "broken"), world.order(sha, "sound")

    result = world.ended(broken)
    assert (result.state, result.step) == (BuildState.FAILED, "build")
    assert "internal error of the build runner: see logs/builds.log" in result.reason
    assert world.log(broken).startswith(f"{END_MARK}failed: internal error of the build runner")
    assert world.ended(sound).state is BuildState.SUCCEEDED


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no /proc, a file system without room")
def test_a_failure_on_a_full_disk_names_it(tmp_path: Path) -> None:
    log = BuildLog(tmp_path / "log")
    steps = Steps(log=log, environment={"PATH": os.defpath}, confine=lambda argv, *_: argv)
    with pytest.raises(StepFailed) as full, steps.step("fetch", "Fetching"):
        steps.run(["false"], folder=Path("/proc"), remedy="see above")
    with pytest.raises(StepFailed) as roomy, steps.step("fetch", "Fetching"):
        steps.run(["false"], folder=tmp_path, remedy="see above")
    log.close()

    assert (
        str(full.value) == "false failed in the step 'fetch' with exit code 1: see above; the disk has only 0 kB left"
    )
    assert str(roomy.value) == "false failed in the step 'fetch' with exit code 1: see above"


def test_an_unknown_language_fails_in_the_step_detect(world: BuildWorld) -> None:
    result = world.ended(world.order(world.repository.commit({"README": "nothing"})))

    assert (result.state, result.step) == (BuildState.FAILED, "detect")
    assert "requirements.txt" in result.reason


def test_a_missing_commit_fails_in_the_step_fetch(world: BuildWorld) -> None:
    world.repository.commit({"index.html": ""})
    result = world.ended(world.order("0123456789" * 4))

    assert (result.state, result.step) == (BuildState.FAILED, "fetch")
    assert "force push" in result.reason


def test_the_log_shows_the_steps_and_ends_with_one_marker(world: BuildWorld) -> None:
    name = world.order(world.repository.commit({"index.html": ""}))
    world.ended(name)
    lines = until(lambda: world.log(name).splitlines() if END_MARK in world.log(name) else [])

    assert lines[0].startswith("-----> Fetching commit")
    assert lines[-1].startswith(f"{END_MARK}succeeded: sha256:")
    assert sum(line.startswith(END_MARK) for line in lines) == 1


def test_a_build_that_prints_without_end_has_a_log_of_ten_megabytes(world: BuildWorld) -> None:
    script = "for (let n = 0; n < 20000; n++) console.log('x'.repeat(1000))"
    package = json.dumps({"scripts": {"start": "x", "build": "node chatter.js"}})
    name = world.order(world.repository.commit({"package.json": package, "chatter.js": script}))

    assert world.ended(name).state is BuildState.SUCCEEDED
    *_, last, end = world.log(name).splitlines()
    assert last == "       (the log is cut off here: it has reached 10 MB)"
    assert end.startswith(f"{END_MARK}succeeded")
    assert world.workspace.log_path(name).stat().st_size < 10.1 * 1024**2


def test_a_build_does_not_see_the_platforms_secrets(world: BuildWorld) -> None:
    package = '{"scripts": {"start": "x", "build": "env; echo https://user:hidden@host/"}}'
    name = world.order(world.repository.commit({"package.json": package}))
    assert world.ended(name).state is BuildState.SUCCEEDED

    assert "PATH=" in world.log(name)
    assert "a-secret-of-the-platform" not in world.log(name)
    assert "hidden" not in world.log(name)
    assert "https://***@host/" in world.log(name)


def _sleeping(world: BuildWorld) -> tuple[str, int]:
    name = world.order(world.repository.commit({"package.json": SLEEPING}))
    until(lambda: " begun\n" in world.log(name), why="the build script")
    return name, world.group(name)


def test_a_registry_that_cannot_be_reached_ends_the_build_with_its_name(world: BuildWorld) -> None:
    set_config(world, UV_HTTP_RETRIES="0", npm_config_fetch_retries="0")
    package = {"name": "x", "version": "1.0.0", "scripts": {"start": "x"}, "dependencies": {"tiny": "1.0.0"}}
    packages = {"": package, "node_modules/tiny": _LOCKED}
    lock = {"name": "x", "version": "1.0.0", "lockfileVersion": 3, "packages": packages}
    requirements = f"--index-url {_SILENT}/simple\ntiny\n"
    files: dict[str, str | None] = {"package.json": json.dumps(package), "package-lock.json": json.dumps(lock)}
    node = world.ended(world.order(world.repository.commit(files)))
    files = {"requirements.txt": requirements, "Procfile": "web: x"}
    python = world.ended(world.order(world.repository.commit(files)))

    for result in (node, python):
        assert (result.state, result.step) == (BuildState.FAILED, "dependencies")
        assert "127.0.0.1 cannot be reached from this machine" in result.reason, result


_SILENT = "http://127.0.0.1:9"  # nothing listens there
_LOCKED = {"version": "1.0.0", "resolved": f"{_SILENT}/tiny.tgz", "integrity": "sha512-AAEC"}


def write_wheel(folder: Path, version: str) -> None:
    """Write the wheel of a package that holds its version."""
    name = f"tiny-{version}"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as archive:
        archive.writestr("tiny.py", f"VERSION = '{version}'\n")
        archive.writestr(f"{name}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n")
        archive.writestr(f"{name}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{name}.dist-info/RECORD", "")


def test_dependencies_that_have_not_changed_are_not_installed_again(world: BuildWorld) -> None:
    for version in ("1.0", "2.0"):
        write_wheel(world.repository.tree / "wheels", version)
    set_config(world, UV_FIND_LINKS="wheels")
    changes = (
        {"requirements.txt": "--no-index\ntiny==1.0\n", "Procfile": "web: x"},
        {"app.py": "1"},
        {"requirements.txt": "--no-index\ntiny==2.0"},
    )
    results, logs = [], []
    for number, files in enumerate(changes):
        name = world.order(world.repository.commit(dict(files)), push=f"p{number}")
        results.append(world.ended(name).image)
        logs.append(world.log(name))

    assert all(results), logs
    assert ["Using the dependencies of the build before" in log for log in logs] == [False, True, False]
    versions = [tiny(world, image.digest) for image in results if image]
    assert versions == ["1.0", "1.0", "2.0"]


def tiny(world: BuildWorld, digest: str) -> str:
    """Return the version of the package in an image."""
    (module,) = world.workspace.images.glob(f"{digest.removeprefix('sha256:')}/venv/lib/python*/site-packages/tiny.py")
    return module.read_text().split("'")[1]


def test_a_site_has_the_modules_of_the_build_before_and_its_image_none(world: BuildWorld) -> None:
    script = "ls node_modules > seen 2>&1; mkdir -p dist node_modules/made && cp seen dist/index.html"
    app = {"name": "app", "version": "1.0.0", "scripts": {"build": script}}
    lock = {"name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": app}}
    files: dict[str, str | None] = {"package.json": json.dumps(app), "package-lock.json": json.dumps(lock)}
    first = world.ended(world.order(world.repository.commit(files), push="p1"))
    second = world.ended(world.order(world.repository.commit({"x": "1"}), push="p2"))

    pages = []
    for result in (first, second):
        assert result.image, result
        folder = world.workspace.images / result.image.digest.removeprefix("sha256:")
        assert sorted(path.name for path in (folder / "app").iterdir()) == ["index.html"]
        pages.append((folder / "app/index.html").read_text())
    assert "made" not in pages[0]
    assert "made" in pages[1]


@pytest.mark.parametrize("in_the_way", ["folder", "link"])
def test_dependencies_are_not_put_where_the_repository_has_something(tmp_path: Path, in_the_way: str) -> None:
    steps = Steps(log=BuildLog(tmp_path / "log"), environment={"PATH": os.defpath}, confine=lambda argv, *_: argv)
    kept = Dependencies(folder=tmp_path / "kept", images=tmp_path / "images", user=os.getuid(), steps=steps)
    (tmp_path / "modules" / "x").mkdir(parents=True)
    kept.keep("k", tmp_path / "modules")
    target = tmp_path / "node_modules"
    target.mkdir() if in_the_way == "folder" else target.symlink_to(tmp_path / "elsewhere")

    assert not kept.reuse("k", target)
    assert not kept.reuse("other", tmp_path / "free")
    assert kept.reuse("k", tmp_path / "free")
    assert (tmp_path / "free" / "x").is_dir()


def set_config(world: BuildWorld, **values: str) -> None:
    for key, value in values.items():
        world.orders.database.run("insert into projects (name) values ('hello') on conflict do nothing")
        world.orders.database.run(
            "insert into config_vars (app, scope, key, value) values ('hello', 'production', :key, :value) "
            "on conflict (app, scope, key) do update set value = excluded.value",
            key=key,
            value=value,
        )


def test_a_build_sees_the_apps_config_and_its_log_no_secret(world: BuildWorld) -> None:
    set_config(world, VITE_API_URL="https://api.example", API_TOKEN="abc-of-the-test", PATH="/nowhere", NODE_ENV="test")
    script = "echo url=$VITE_API_URL token=$API_TOKEN env=$NODE_ENV > made; cat made"
    package = json.dumps({"scripts": {"start": "x", "build": script}})
    name = world.order(world.repository.commit({"package.json": package}))
    image = world.ended(name).image

    assert image, world.log(name)
    made = world.workspace.images / image.digest.removeprefix("sha256:") / "app" / "made"
    assert made.read_text() == "url=https://api.example token=abc-of-the-test env=test\n"
    assert "url=https://api.example token=*** env=test" in world.log(name)


def test_a_commit_is_built_again_when_the_config_has_changed(world: BuildWorld) -> None:
    sha = world.repository.commit_example("static")
    world.ended(world.order(sha))
    set_config(world, GREETING="hello")
    again, preview = world.order(sha, push="p2"), world.order(sha, "feature")
    assert world.ended(again).image
    assert world.ended(preview).image
    other = world.order(sha, "other-feature")
    assert world.ended(other).image

    assert "was built before" not in world.log(again)
    assert "was built before" not in world.log(preview)  # its config is not production's
    assert "was built before" in world.log(other)


def members(group: int) -> list[str]:
    listed = subprocess.run(
        [shutil.which("ps") or "ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split(None, 2) for line in listed.splitlines())
    return [" ".join(row[2:]) for row in rows if int(row[0]) == group and row[1][0] != "Z"]


def test_a_build_is_cancelled_when_its_process_group_is_gone(world: BuildWorld) -> None:
    name, group = _sleeping(world)
    assert members(group)
    world.builder.cancel(name)

    assert world.ended(name).state is BuildState.CANCELLED
    assert members(group) == []


def test_a_build_that_takes_too_long_fails_in_the_step_timeout(database: str, tmp_path: Path) -> None:
    now = [0.0]
    for world in running(make_world(database, tmp_path, clock=lambda: now[0])):
        name, group = _sleeping(world)
        now[0] = LIMIT + 1
        result = world.ended(name)

        assert (result.state, result.step) == (BuildState.FAILED, "timeout")
        assert members(group) == []


def test_links_that_a_build_left_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("kept,\n")
    outside = tmp_path / "elsewhere-1.dist-info"
    packages = tmp_path / "image" / "venv" / "lib" / "python3.11" / "site-packages"
    info = packages / "hostile-1.dist-info"
    for folder in (outside, info):
        folder.mkdir(parents=True)
        (folder / "direct_url.json").write_text("{}")
    (outside / "RECORD").write_text("kept,\n")
    (info / "RECORD").symlink_to(secret)
    (packages / "linked-1.dist-info").symlink_to(outside)
    remove_build_metadata(tmp_path / "image" / "venv")

    assert sorted(path.name for path in outside.iterdir()) == ["RECORD", "direct_url.json"]
    assert (info / "RECORD").is_symlink()
    assert secret.read_text() == "kept,\n"
