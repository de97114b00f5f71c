"""The site of a static app, served by the Caddy that such an app runs."""

import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from functions.local.ports import port_reservations
from functions.local.site import SITE
from functions.local.tools import make_tools
from tests.local.waiting import until

YEAR, ASK = "public, max-age=31536000, immutable", "no-cache"
SCRIPT = "console.log('hello');" * 100
FILES = {
    "index.html": "home",
    "404.html": "nothing here",
    "about.html": "about",
    "docs/index.html": "docs",
    "Procfile": "web: x",
    ".env": "TOKEN=1",
    ".well-known/security.txt": "contact",
    "app.js": SCRIPT,
    "packed.js": "not packed",
    "packed.js.br": "packed by br",
    "packed.js.zst": "packed by zstd",
    "assets/index-D4x_9fQz.js": "vite",
    "assets/bootstrap-carousel.js": "no hash",
    "static/js/main.3f9ac01b.chunk.js": "react",
    "static/photo-20240101.jpg": "no hash",
    "_next/static/chunks/webpack.js": "next",
    "_nuxt/builds/latest.json": "no hash",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A running site."""

    port: int

    def get(self, path: str, method: str = "GET", accept: str = "") -> tuple[int, str, Mapping[str, str]]:
        """Return status, body and headers; header names are in lower case."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, headers={"Accept-Encoding": accept} if accept else {})
            answer = connection.getresponse()
            body = answer.read().decode(errors="replace")
            return answer.status, body, {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()


@contextmanager
def serve(home: Path, files: Mapping[str, str], **variables: str) -> Iterator[Site]:
    """Serve the files as the start command of a static app does."""
    tools, app = make_tools(home), home / "app"
    for name, text in files.items():
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text(text)
    with port_reservations() as ports:
        port = ports.take()
        environment = {"PATH": os.defpath, "HOME": str(home), "PORT": str(port), **variables}
        command = [str(tools / "caddy"), "run", "--adapter", "caddyfile", "--config", str(tools / SITE)]
        process = subprocess.Popen(command, cwd=app, env=environment)
        try:
            until(lambda: _listens(port), why="the site to listen")
            yield Site(port=port)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serve(tmp_path_factory.mktemp("plain"), FILES) as site:
        yield site


@pytest.fixture(scope="module")
def single_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A single-page app that a build wrote to `dist`, beside files that no visitor may read."""
    files = {f"dist/{name}": text for name, text in FILES.items() if name != "404.html"} | {"server.js": "secret"}
    home = tmp_path_factory.mktemp("spa")
    with serve(home, files, SLIPWAY_SITE_ROOT="dist", SLIPWAY_SITE_FALLBACK="/index.html") as site:
        yield site


def test_a_site_serves_pages_by_their_usual_names(plain: Site) -> None:
    pages = {path: plain.get(path)[:2] for path in ("/", "/index.html", "/about", "/about.html", "/docs/")}
    assert pages == {
        "/": (200, "home"),
        "/index.html": (200, "home"),
        "/about": (200, "about"),
        "/about.html": (200, "about"),
        "/docs/": (200, "docs"),
    }
    status, _, headers = plain.get("/docs")
    assert (status, headers["location"]) == (308, "/docs/")


def test_the_own_page_of_a_site_answers_where_nothing_is(plain: Site) -> None:
    for path in ("/missing", "/docs/missing/", "/missing.js"):
        status, body, headers = plain.get(path)
        assert (status, body, headers["cache-control"]) == (404, "nothing here", ASK), path


def test_dotfiles_and_the_procfile_are_not_there(plain: Site, single_page: Site) -> None:
    for site in (plain, single_page):
        assert {site.get(path)[0] for path in ("/.env", "/%2eenv", "//.env", "/docs/../.env", "/Procfile")} == {404}
        assert site.get("/.well-known/security.txt")[:2] == (200, "contact")


def test_browsers_keep_what_is_named_by_its_content_and_ask_for_the_rest(plain: Site) -> None:
    kept = {path: plain.get(f"/{path}")[2].get("cache-control") for path in FILES if not path.startswith((".", "P"))}
    assert kept == {
        "index.html": ASK,
        "404.html": ASK,
        "about.html": ASK,
        "docs/index.html": ASK,
        "app.js": ASK,
        "packed.js": ASK,
        "packed.js.br": ASK,
        "packed.js.zst": ASK,
        "assets/index-D4x_9fQz.js": YEAR,
        "assets/bootstrap-carousel.js": ASK,
        "static/js/main.3f9ac01b.chunk.js": YEAR,
        "static/photo-20240101.jpg": ASK,
        "_next/static/chunks/webpack.js": YEAR,
        "_nuxt/builds/latest.json": ASK,
    }
    assert plain.get("/assets/index-Missing1.js")[2]["cache-control"] == ASK


def test_files_are_sent_compressed_as_the_browser_asks(plain: Site) -> None:
    assert plain.get("/packed.js")[1] == "not packed"
    for coding in ("br", "zstd"):
        _, body, headers = plain.get("/packed.js", accept=coding)
        assert (body, headers["content-encoding"]) == (f"packed by {coding}", coding)
        assert headers["content-type"].startswith("text/javascript")
    for coding in ("gzip", "zstd"):
        assert plain.get("/app.js", accept=coding)[2]["content-encoding"] == coding


def test_the_fallback_answers_at_paths_of_no_file(single_page: Site) -> None:
    for path in ("/", "/users/7", "/users/ada.lovelace", "/settings/?tab=2"):
        status, body, headers = single_page.get(path)
        assert (status, body, headers["cache-control"]) == (200, "home", ASK), path
    assert single_page.get("/docs/")[1] == "docs"
    assert single_page.get("/about")[1] == "about"


def test_a_missing_asset_is_not_the_fallback(single_page: Site) -> None:
    for path in ("/assets/index-D4x_0000.js", "/logo.png", "/server.js", "/../server.js"):
        status, _, headers = single_page.get(path)
        assert (status, headers["cache-control"]) == (404, ASK), path
    assert single_page.get("/users/7", method="POST")[0] in {404, 405}
