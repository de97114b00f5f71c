"""What a repository may hold, and what its reader makes of it."""

from pathlib import Path

import pytest

from functions.common.errors import Rejected
from functions.local.builds.causes import known_cause
from functions.local.builds.context import Site
from functions.local.builds.site import declared_site, made_site, web_command
from functions.local.builds.tree import Tree, table, text_field
from tests.local.builds.test_detect import write


@pytest.mark.parametrize(
    "content",
    [
        "flask\n".encode("utf-16"),
        b"\xef\xbb\xbfflask\n",
        b"flask\r\n",
        "flask\n".encode("utf-16-be").join([b"\xfe\xff", b""]),
    ],
)
def test_text_is_read_in_the_encodings_that_editors_write(tmp_path: Path, content: bytes) -> None:
    assert write(tmp_path, {"requirements.txt": content}).text("requirements.txt") == "flask\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\x00", "x.json is not text in UTF-8"),
        (b"caf\xe9", "is not text in UTF-8 .byte 3.: save it as UTF-8"),
        (b"a\0b", "holds a NUL byte"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 3000 + b"1" + b"}" * 3000, "nested too deeply"),
        (b"[1]", "must hold an object"),
        (b"{", "cannot be read"),
        (b'{"a": ' + b"1" * 5000 + b"}", "cannot be read"),
        (b"x" * (33 * 1024**2), "longer than 32 MiB"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(Rejected, match=message):
        write(tmp_path, {"x.json": content}).json("x.json")


def test_a_link_out_of_the_repository_is_refused_and_one_within_is_followed(tmp_path: Path) -> None:
    tree = write(tmp_path / "app", {"a": "1"})
    (tmp_path / "secret").write_text("s")
    (tmp_path / "app" / "out").symlink_to(tmp_path / "secret")
    (tmp_path / "app" / "in").symlink_to("a")

    assert (tree.has("out"), tree.has("in"), tree.text("in")) == (False, True, "1")
    with pytest.raises(Rejected, match="out is a link that leaves the repository"):
        tree.text("out")


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    assert write(tmp_path, {"x": "a\u2028b\x0cc\x85d\ne"}).lines("x") == ["a\u2028b\x0cc\x85d", "e"]


@pytest.mark.parametrize("value", [None, [], "x", 3, {"scripts": ["start"]}, {"scripts": {"start": ["x"]}}])
def test_a_field_of_another_type_is_absent(value: object) -> None:
    assert text_field(value, "scripts", "start") == ""
    assert table(value, "scripts", "start") == {}


@pytest.mark.parametrize(
    ("files", "site"),
    [
        (
            {"Staticfile": "root: dist\npushstate: enabled\n", "dist/index.html": ""},
            Site(folder="dist", fallback="/index.html"),
        ),
        (
            {"static.json": '{"root": "web/", "routes": {"/**": "index.html"}}', "web/x": ""},
            Site(folder="web", fallback="/index.html"),
        ),
        ({"_redirects": "/* /index.html 200\n"}, Site(fallback="/index.html")),
        ({"_redirects": "/old /new 301\n"}, None),
    ],
)
def test_a_site_may_say_what_is_served(tmp_path: Path, files: dict[str, str], site: Site | None) -> None:
    assert declared_site(write(tmp_path, files)) == site


@pytest.mark.parametrize("root", ["../x", "/etc", "none"])
def test_a_root_that_is_no_folder_of_the_repository_is_refused(tmp_path: Path, root: str) -> None:
    with pytest.raises(Rejected, match="is no folder of this repository"):
        declared_site(write(tmp_path, {"Staticfile": f"root: {root}\n"}))


@pytest.mark.parametrize(
    ("files", "site"),
    [
        ({"dist/index.html": "", "dist/a.js": ""}, Site(folder="dist", fallback="/index.html")),
        ({"build/index.html": "", "build/404.html": ""}, Site(folder="build")),
        ({"out/index.html": "", "out/about/index.html": ""}, Site(folder="out")),
        (
            {"angular.json": '{"projects": {"x": {}}}', "dist/x/browser/index.html": ""},
            Site(folder="dist/x/browser", fallback="/index.html"),
        ),
        ({"dist/a.js": ""}, None),
    ],
)
def test_what_a_build_made_is_found(tmp_path: Path, files: dict[str, str], site: Site | None) -> None:
    assert made_site(write(tmp_path, files)) == site


def test_the_command_of_a_site_quotes_what_the_repository_names() -> None:
    command = web_command(Site(folder="a b", fallback="/x;y"))

    assert command.startswith("SLIPWAY_SITE_ROOT='a b' SLIPWAY_SITE_FALLBACK='/x;y' caddy run")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (
            "npm error network request to https://registry.example/x failed, reason: connect ECONNREFUSED",
            "registry.example cannot be reached",
        ),
        (
            "error: Failed to fetch: `https://u:p@pypi.example/simple/x/`\n  Caused by: dns error: failed to lookup",
            "pypi.example cannot be reached",
        ),
        (
            "npm error code SELF_SIGNED_CERT_IN_CHAIN\nnpm error request to https://r.example/x failed",
            "the certificate of r.example is not trusted",
        ),
        ("error: The lockfile at `uv.lock` needs to be updated, but `--locked` was provided.", "run `uv lock`"),
        (" ERR_PNPM_OUTDATED_LOCKFILE  Cannot install", "run `pnpm install`"),
        ("npm error `npm ci` can only install packages when your package.json", "run `npm install`"),
        ("sh: 1: vite: not found", "the command `vite` is not there"),
        ("all is well", ""),
    ],
)
def test_a_known_cause_is_named(text: str, cause: str) -> None:
    found = known_cause(text.split("\n"))

    assert cause in found
    assert bool(found) == bool(cause)
    assert "u:p@" not in found


def test_the_tree_finds_the_nearest_files_first(tmp_path: Path) -> None:
    tree = write(tmp_path, {"b/x.py": "", "a.py": "", "node_modules/y.py": "", ".git/z.py": "", "b/c/d/e.py": ""})

    assert [str(path.relative_to(tmp_path)) for path in Tree(folder=tmp_path, top=tmp_path).files(".py", depth=2)] == [
        "a.py",
        "b/x.py",
    ]
    assert tree.first("none", "a.py") == "a.py"
