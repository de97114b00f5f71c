"""The tools that are on this machine, and what is said of those that are not."""

import os
import sys
from pathlib import Path

import pytest

from functions.common.errors import Rejected
from functions.local.builds.steps import BuildLog, Steps
from functions.local.builds.toolchain import Asked, Toolchain, _check_hash, _package, _specifier
from functions.local.tools import beside_python, make_tools
from functions.local.variables import for_every_tool, given_for_builds

_NO_VERSIONS = ("--help", "--mirror=https://other.example", "/tmp/python", "./python", "evil", "3.11 --x")  # noqa: S108
OURS = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def toolchain(tmp_path: Path) -> Toolchain:
    environment = {"PATH": os.defpath, "HOME": str(tmp_path), "UV_CACHE_DIR": str(tmp_path / "cache")}
    steps = Steps(log=BuildLog(tmp_path / "log"), environment=environment, confine=lambda argv, *_: argv)
    uv = beside_python("uv") or Path("uv")
    return Toolchain(steps=steps, tools=make_tools(tmp_path), uv=uv, drafts=tmp_path)


@pytest.mark.parametrize("version", ["", OURS, ">=3.9", f"=={OURS}.*", f">={OURS},<4"])
def test_the_platforms_own_python_serves_where_it_fits(toolchain: Toolchain, version: str) -> None:
    found = toolchain.python(Asked(version=version, source="x"))

    assert found.resolve() == Path(getattr(sys, "_base_executable", sys.executable)).resolve()


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("3.99", rf"\.python-version asks for Python 3\.99; this machine has .*{OURS}.*Ask for one of these"),
        ("==3.4.*", r"asks for Python ==3\.4\.\*; this machine has"),
        ("python three", r"asks for Python 'python three', which is no version"),
        *((text, "asks for Python '.*', which is no version") for text in _NO_VERSIONS),
    ],
)
def test_a_python_that_cannot_be_had_is_named(toolchain: Toolchain, version: str, message: str) -> None:
    with pytest.raises(Rejected, match=message):
        toolchain.python(Asked(version=version, source=".python-version"))


@pytest.mark.parametrize(
    "version", [*_NO_VERSIONS[:4], "npm:other@1", "https://other.example/x.tgz", "file:../x", "1.0.0@2", "other/pnpm"]
)
def test_a_package_manager_is_of_its_own_package(toolchain: Toolchain, version: str) -> None:
    with pytest.raises(Rejected, match=r"x asks for pnpm '.*', which is no version"):
        toolchain.manager("pnpm", Asked(version=version, source="x"))


@pytest.mark.parametrize("version", ["", ">=18", "24.x || 99.x", "*"])
def test_the_platforms_own_node_serves_where_it_fits(toolchain: Toolchain, version: str) -> None:
    assert toolchain.node(Asked(version=version, source="x")) == toolchain.tools


@pytest.mark.parametrize("version", ["node please", "twenty", "--version"])
def test_a_node_that_is_no_version_is_named(toolchain: Toolchain, version: str) -> None:
    with pytest.raises(Rejected, match=r"x asks for Node\.js .*which is no version: write one such as 22\.x"):
        toolchain.node(Asked(version=version, source="x"))


def test_a_node_that_was_fetched_before_is_found(toolchain: Toolchain) -> None:
    for version in ("20.1.0", "20.9.0", "22.2.0"):
        (toolchain.tools / f"node-{version}" / "bin").mkdir(parents=True)

    assert toolchain.node(Asked(version="20.x", source="x")) == toolchain.tools / "node-20.9.0" / "bin"
    assert toolchain.node(Asked(version="22.2.0", source="x")) == toolchain.tools / "node-22.2.0" / "bin"


def test_a_fetch_that_is_stopped_leaves_nothing_among_the_tools(toolchain: Toolchain) -> None:
    before = set(toolchain.tools.iterdir())
    with toolchain._draft() as draft:  # noqa: SLF001 - as below
        assert draft.parent == toolchain.drafts
        assert set(toolchain.tools.iterdir()) == before
        toolchain._keep(draft, "tool-1.0")  # noqa: SLF001 - as below

    assert set(toolchain.tools.iterdir()) == {*before, toolchain.tools / "tool-1.0"}


def test_others_can_read_and_run_what_is_fetched(toolchain: Toolchain) -> None:
    draft = toolchain.tools / "draft"
    (draft / "bin").mkdir(mode=0o700, parents=True)
    for name, mode in (("tool", 0o700), ("data", 0o600)):
        (draft / "bin" / name).touch(mode=mode)
    kept = toolchain._keep(draft, "tool-1.0")  # noqa: SLF001 - a fetch needs a registry

    modes = {path.name: path.stat().st_mode & 0o777 for path in (kept / "bin", kept / "bin/tool", kept / "bin/data")}
    assert modes == {"bin": 0o755, "tool": 0o755, "data": 0o644}


@pytest.mark.parametrize(
    ("comparators", "specifier"),
    [
        ([">=18.0.0", "<21.0.0-0"], ">=18.0.0,<21.0.0"),
        (["20.11.1"], "==20.11.1.*"),
        ([""], ""),
        ([">=0.0.0"], ">=0.0.0"),
    ],
)
def test_ranges_of_npm_are_those_of_packages(comparators: list[str], specifier: str) -> None:
    assert _specifier(comparators) == specifier


@pytest.mark.parametrize(
    ("name", "version", "package"),
    [
        ("yarn", "1.22.22", "yarn"),
        ("yarn", "4.5.0", "@yarnpkg/cli-dist"),
        ("yarn", "^3", "@yarnpkg/cli-dist"),
        ("pnpm", "9", "pnpm"),
    ],
)
def test_each_yarn_has_its_package(name: str, version: str, package: str) -> None:
    assert _package(name, version) == package


def test_a_package_manager_with_another_hash_is_refused() -> None:
    asked = Asked(version="pnpm@9+sha512." + "00" * 64, source="x")
    with pytest.raises(Rejected, match="x asks for pnpm with another hash than the package's"):
        _check_hash("sha512-AAEC", "pnpm", asked)
    _check_hash("sha512-AAEC", "pnpm", Asked(version="9+sha512.000102"))


def test_what_a_person_set_for_one_tool_serves_them_all() -> None:
    given = given_for_builds(
        {
            "PIP_CERT": "/ca.pem",
            "PIP_INDEX_URL": "https://index.example",
            "https_proxy": "http://proxy.example",
            "npm_config_registry": "https://npm.example",
            "UV_PROJECT_ENVIRONMENT": "/mine",
            "VIRTUAL_ENV": "/mine",
            "DATABASE_URL": "a secret of the platform",
            "SLIPWAY_API_TOKEN": "a secret",
            "UV_HTTP_TIMEOUT": "",
        }
    )
    whole = for_every_tool(given)

    assert "/mine" not in whole.values()
    assert not [name for name in whole if name.startswith(("SLIPWAY", "DATABASE"))]
    assert {whole[name] for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE")} == {"/ca.pem"}
    assert whole["UV_DEFAULT_INDEX"] == "https://index.example"
    assert whole["YARN_NPM_REGISTRY_SERVER"] == "https://npm.example"
    assert whole["https_proxy"] == "http://proxy.example"
    assert for_every_tool({"UV_DEFAULT_INDEX": "a", "PIP_INDEX_URL": "b"})["UV_DEFAULT_INDEX"] == "a"
