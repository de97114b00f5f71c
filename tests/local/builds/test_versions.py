"""The versions of interpreters and package managers that a repository asks for."""

import json
from pathlib import Path

import pytest

from functions.common.errors import Rejected
from functions.local.builds.context import Context
from functions.local.builds.dependencies import Dependencies
from functions.local.builds.node import Manager, node_version, package_manager
from functions.local.builds.node_apps import start_command, started
from functions.local.builds.python import poetry_range, python_version
from functions.local.builds.steps import BuildLog, Steps
from functions.local.builds.toolchain import Toolchain
from tests.local.builds.test_detect import write


@pytest.mark.parametrize(
    ("files", "version", "source"),
    [
        ({".python-version": "# ours\n3.12\n"}, "3.12", ".python-version"),
        ({"runtime.txt": "python-3.11.9\r\n"}, "3.11.9", "runtime.txt"),
        ({".tool-versions": "nodejs 20\npython 3.13.1\n"}, "3.13.1", ".tool-versions"),
        ({"Pipfile": '[requires]\npython_version = "3.10"\n'}, "3.10", "`requires.python_version` of the Pipfile"),
        (
            {"pyproject.toml": '[project]\nrequires-python = ">=3.11"\n'},
            ">=3.11",
            "`requires-python` of pyproject.toml",
        ),
        (
            {"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.11"\n'},
            ">=3.11,<4",
            "`tool.poetry.dependencies.python` of pyproject.toml",
        ),
        ({".python-version": "3.12", "runtime.txt": "python-3.9"}, "3.12", ".python-version"),
        ({"pyproject.toml": "project = 3\n", "Pipfile": "requires = 'x'\n"}, "", ""),
        ({}, "", ""),
    ],
)
def test_the_most_exact_file_says_which_python(
    tmp_path: Path, files: dict[str, str], version: str, source: str
) -> None:
    asked = python_version(write(tmp_path, files))

    assert (asked.version, asked.source) == (version, source)


@pytest.mark.parametrize(
    ("poetry", "ours"),
    [
        *(("^3.11", ">=3.11,<4"), ("~3.11", ">=3.11,<3.12"), ("~3", ">=3,<4"), ("3.11.*", "==3.11.*")),
        *(("3.11", "==3.11.*"), ("*", ""), (">=3.9,<3.13", ">=3.9,<3.13"), ("^3.8 || ^3.11.2", ">=3.11.2,<4")),
        *(("~3.11.4", ">=3.11.4,<3.12"), (">3.8", ">3.8")),
    ],
)
def test_ranges_of_poetry_are_those_of_packages(poetry: str, ours: str) -> None:
    assert poetry_range(poetry) == ours


@pytest.mark.parametrize(
    ("files", "package", "version"),
    [
        ({".nvmrc": "v20.11.1\n"}, {}, "20.11.1"),
        ({".nvmrc": "lts/iron"}, {}, "20"),
        ({".nvmrc": "lts/*"}, {"engines": {"node": "18"}}, ""),
        ({".node-version": "22"}, {"engines": {"node": ">=18"}}, "22"),
        ({".tool-versions": "nodejs 22.1.0 # x\n"}, {}, "22.1.0"),
        ({}, {"volta": {"node": "20.1.0"}, "engines": {"node": "18"}}, "20.1.0"),
        ({}, {"engines": {"node": ">=18 <21"}}, ">=18 <21"),
        ({}, {"engines": ["node"]}, ""),
        ({}, {"engines": {"node": 20}}, ""),
    ],
)
def test_the_most_exact_file_says_which_node(
    tmp_path: Path, files: dict[str, str], package: dict[str, object], version: str
) -> None:
    assert node_version(write(tmp_path, files), package).version == version


def test_an_unknown_release_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match=r"\.nvmrc asks for the Node\.js release line 'lts/wood'"):
        node_version(write(tmp_path, {".nvmrc": "lts/wood"}), {})


def context_of(folder: Path, files: dict[str, str], root: str = "") -> Context:
    tree = write(folder, files)
    steps = Steps(log=BuildLog(folder / "log"), environment={}, confine=lambda argv, *_: argv)
    toolchain = Toolchain(steps=steps, tools=folder, uv=folder, drafts=folder)
    dependencies = Dependencies(folder=folder, images=folder, user=0, steps=steps)
    return Context(
        steps=steps,
        toolchain=toolchain,
        dependencies=dependencies,
        checkout=tree.folder,
        app=tree.folder / root,
        venv=folder / "venv",
    )


def chosen(folder: Path, files: dict[str, str], root: str = "") -> Manager:
    context = context_of(folder, files, root)
    return package_manager(context, context.tree.json("package.json"))


BERRY = "__metadata:\n  version: 8\n  cacheKey: 10c0\n"


@pytest.mark.parametrize(
    ("files", "name", "version", "install"),
    [
        ({}, "npm", "", "install --no-audit --no-fund --include=dev"),
        ({"package-lock.json": "{}"}, "npm", "", "ci --no-audit --no-fund --include=dev"),
        ({"pnpm-lock.yaml": "lockfileVersion: '6.0'\n"}, "pnpm", "8", "install --frozen-lockfile --prod=false"),
        ({"pnpm-lock.yaml": "lockfileVersion: '9.0'\n"}, "pnpm", "10", "install --frozen-lockfile --prod=false"),
        ({"yarn.lock": "# yarn lockfile v1\n"}, "yarn", "1", "install --frozen-lockfile --production=false --non-int"),
        ({"yarn.lock": BERRY}, "yarn", "4", "install --immutable"),
        ({"bun.lock": "{}"}, "bun", "1", "install --frozen-lockfile"),
        (
            {"package.json": '{"packageManager": "pnpm@9.1.0+sha512.ab"}'},
            "pnpm",
            "9.1.0+sha512.ab",
            "install --no-froz",
        ),
        (
            {"package.json": '{"packageManager": "yarn@4.5.0"}', "package-lock.json": "{}"},
            "yarn",
            "4.5.0",
            "install --no-i",
        ),
        ({"package.json": '{"packageManager": ["pnpm"]}'}, "npm", "", "install"),
        ({"package.json": '{"engines": {"pnpm": "9"}}', "pnpm-lock.yaml": ""}, "pnpm", "9", "install"),
    ],
)
def test_the_lock_file_says_which_package_manager(
    tmp_path: Path, files: dict[str, str], name: str, version: str, install: str
) -> None:
    manager = chosen(tmp_path, {"package.json": "{}", **files})

    assert (manager.name, manager.asked.version) == (name, version)
    assert " ".join(manager.install()).startswith(install)


def test_an_unknown_package_manager_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="asks for 'cargo': known are npm, pnpm, yarn and bun"):
        chosen(tmp_path, {"package.json": '{"packageManager": "cargo@1"}'})


@pytest.mark.parametrize("top", ["pnpm-workspace.yaml", "package.json"])
def test_a_package_of_a_workspace_is_installed_where_the_lock_file_is(tmp_path: Path, top: str) -> None:
    files = {"web/package.json": "{}", "package.json": json.dumps({"workspaces": ["web"]})}
    manager = chosen(tmp_path, {**files, "pnpm-lock.yaml": "lockfileVersion: '9.0'\n", top: files.get(top, "")}, "web")

    assert (manager.folder, manager.name) == (tmp_path, "pnpm")


def test_yarn_without_modules_is_recognized(tmp_path: Path) -> None:
    plug = chosen(tmp_path, {"package.json": "{}", "yarn.lock": BERRY})
    modules = chosen(tmp_path, {"package.json": "{}", "yarn.lock": BERRY, ".yarnrc.yml": "nodeLinker: node-modules\n"})

    assert (plug.is_plug, modules.is_plug) == (True, False)


@pytest.mark.parametrize(
    ("scripts", "runner", "command"),
    [
        ({"start": "node server.js"}, "", "node server.js"),
        ({"start": "node server.js", "prestart": "tsc"}, "", "npm run start"),
        ({"start": "echo $npm_package_version"}, "", "npm run start"),
        ({"start": "node a\nnode b"}, "", "npm run start"),
        ({"start": "next start"}, "bun", "bun run start"),
    ],
)
def test_a_start_script_runs_without_a_package_manager_where_it_can(
    scripts: dict[str, str], runner: str, command: str
) -> None:
    assert start_command(scripts, "start", runner) == command


_OF_NEST = {"scripts": {"start": "nest start", "start:prod": "node dist/main"}, "dependencies": {"@nestjs/core": "^11"}}


@pytest.mark.parametrize(
    ("package", "files", "web", "site"),
    [
        ({"scripts": {"start": "node ."}}, {}, "node .", ""),
        ({"scripts": {"start": "node .", "build": "x"}}, {"dist/index.html": ""}, "node .", ""),
        ({"scripts": {"start": "ng serve", "build": "ng build"}}, {"dist/index.html": ""}, "", "dist"),
        ({"scripts": {"start": "docusaurus start", "build": "x"}}, {"build/index.html": ""}, "", "build"),
        ({"scripts": {"start": "react-scripts start", "build": "x"}}, {"build/index.html": ""}, "", "build"),
        ({"scripts": {"start": "vite", "build": "x"}}, {"dist/index.html": ""}, "", "dist"),
        (
            {"scripts": {"start": "vite preview --port $PORT", "build": "x"}},
            {"dist/index.html": ""},
            "vite preview",
            "",
        ),
        ({"scripts": {"start": "astro dev", "build": "x"}}, {}, "astro dev", ""),
        (
            {"scripts": {"start": "next start", "build": "x"}, "dependencies": {"next": "15"}},
            {".next/BUILD_ID": "", "out/index.html": ""},
            "",
            "out",
        ),
        ({"scripts": {"build": "x"}, "dependencies": {"next": "15"}}, {".next/BUILD_ID": ""}, "next start", ""),
        ({"scripts": {"build": "x"}}, {".output/server/index.mjs": ""}, "node .output/server/index.mjs", ""),
        (_OF_NEST, {}, "node dist/main", ""),
        ({}, {"server.js": ""}, "node server.js", ""),
        ({"main": "lib/a b.js"}, {"lib/a b.js": ""}, "node 'lib/a b.js'", ""),
        ({"main": "../../etc/x.js"}, {"index.js": ""}, "node index.js", ""),
        ({}, {"dist/index.html": "", "index.js": ""}, "node index.js", ""),
        ({}, {"index.html": ""}, "", "."),
        ({"scripts": {"build": "x"}}, {}, "", ""),
    ],
)
def test_a_node_app_starts_by_its_script_or_by_what_its_build_made(
    tmp_path: Path, package: dict[str, object], files: dict[str, str], web: str, site: str
) -> None:
    built = started(context_of(tmp_path, files), package)

    assert built.web.startswith(web) if web else not built.web
    assert (built.site.folder if built.site else "") == site
