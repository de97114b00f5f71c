"""Malformed requests to the git server get a 4xx, and nothing in its log but git's own messages."""

import base64
import gzip
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Databases
from tests.local.git.forge import Forge, clone, commit, forge, git
from tests.local.repositories import HOOK_SECRET
from tests.patience import patient

BASIC = b"Authorization: Basic "
TOKEN = BASIC + base64.b64encode(b"anyone:let-me-in")
INFO = b"GET /hello.git/info/refs?service=git-upload-pack HTTP/1.1"
TYPE = b"Content-Type: application/x-git-%s-request"
CHUNKED = b"Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def home(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    folder = tmp_path_factory.mktemp("forge")
    with databases.one() as url, forge(folder / "home", url) as running:
        running.repositories.create("hello", webhook_secret=HOOK_SECRET)
        work = clone(folder / "work")
        commit(work, {"a": "1"}, "one")
        git("push", "-q", running.remote("hello.git"), "main", cwd=work)
        yield running
        # The server still answers, and no request has met a bug.
        git("ls-remote", running.remote("hello.git"), cwd=work)
        assert "Traceback" not in running.log
        assert "Exception" not in running.log


def status_of(home: Forge, line: bytes, *headers: bytes, body: bytes = b"") -> int:
    """Send these bytes and nothing more, and return the status, 0 when the connection closes without an answer."""
    request = b"\r\n".join([line, b"Host: git", b"Connection: close", *headers, b"", b""]) + body
    with socket.create_connection(("127.0.0.1", home.instance.ports["git"]), timeout=patient(10)) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    return int(answer.split(b" ", 2)[1]) if answer else 0


@pytest.mark.parametrize(
    "credentials",
    [
        b"",
        b"Basic",
        b"Basic !!!",
        b"Basic abc",
        b"Basic \xff\xfe",
        "Basic ünïcode".encode(),
        b"Basic\t" + base64.b64encode(b"x:let-me-in"),
        b"Basic " + base64.b64encode(b"let-me-in"),
        b"Basic " + base64.b64encode(b"x:\xff\xfe"),
        b"Basic " + base64.b64encode(b"x:let-me-in\0"),
        b"Basic " + b"A" * 7000,
        b"Bearer let-me-in",
    ],
)
def test_malformed_credentials_are_unauthorized(home: Forge, credentials: bytes) -> None:
    assert status_of(home, INFO, b"Authorization: " + credentials) == 401


def test_credentials_of_100_kb_and_with_nul_are_refused(home: Forge) -> None:
    assert status_of(home, INFO, BASIC + b"A" * 100_000) == 431
    assert status_of(home, INFO, BASIC + b"\0") == 400
    assert status_of(home, INFO, TOKEN) == 200


@pytest.mark.parametrize(
    "path",
    [
        b"/",
        b"/hello.git",
        b"/hello.git/config",
        b"/hello%00.git/info/refs",
        b"/hello.git/objects/%00/x",
        b"/hello%ff.git/info/refs",
        b"/hello.git%0a/info/refs",
        b"/hello.git/HEAD%0a",
        b"/hello.git/info/refs%0d%0aX:%20y",
        b"//hello.git//info/refs",
        b"//slipway//hello.git/info/refs",
        b"/../slipway/hello.git/HEAD",
        b"/slipway/../slipway/hello.git/HEAD",
        b"/hello.git/objects/../config",
        b"/hello.git/objects/%2e%2e/%2e%2e/instance.json",
        b"/hello.git/objects/./././x",
        b"/hello.git/objects/",
        b"/hello.git/objects/00/" + b"0" * 38,
        b"/hello.git/objects/" + b"a" * 3000,
        b"/" + b"n" * 300 + b"/info/refs",
        b"/slipway/" + b"n" * 3000 + b"/HEAD",
        b"/.hooks/info/refs",
        "/hellö.git/info/refs".encode("latin-1").replace(b"\xf6", b"%f6"),
    ],
)
def test_a_path_that_names_no_repository_is_not_found(home: Forge, path: bytes) -> None:
    assert status_of(home, b"GET " + path + b" HTTP/1.1", TOKEN) == 404


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET /hello.git\0/info/refs HTTP/1.1", 400),
        (b"GET /hell\xff.git/info/refs HTTP/1.1", 400),
        (b"GET /" + b"a" * 9000 + b".git/info/refs HTTP/1.1", 414),
        (b"GET * HTTP/1.1", 400),
        (b"GET hello.git/HEAD HTTP/1.1", 400),
        (b"GET /hello.git/info/refs?service=git-evil HTTP/1.1", 403),
        (b"GET /hello.git/info/refs?service=%ff%00 HTTP/1.1", 403),
        (b"PUT /hello.git/info/refs HTTP/1.1", 405),
        (b"DELETE /hello.git/git-receive-pack HTTP/1.1", 405),
        (b"BREW /hello.git/HEAD HTTP/1.1", 405),
    ],
)
def test_a_malformed_request_line_is_refused(home: Forge, line: bytes, status: int) -> None:
    assert status_of(home, line, TOKEN) == status


HALF = gzip.compress(b"0032want " + b"0" * 100, mtime=0)[:20]


@pytest.mark.parametrize("service", [b"upload-pack", b"receive-pack"])
@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ((b"Content-Length: 0",), b"", 400),
        ((b"Content-Length: 10",), b"0123456789", 400),
        ((b"Content-Length: 10",), b"0123", 400),
        ((b"Content-Length: 10", b"Content-Encoding: gzip"), b"0123456789", 400),
        ((b"Content-Length: 20", b"Content-Encoding: gzip"), HALF, 400),
        ((b"Content-Length: 4", b"Content-Encoding: br"), b"0000", 415),
        ((b"Content-Length: 4", b"Content-Encoding: gzip, gzip"), b"0000", 415),
        ((CHUNKED,), b"zz\r\nabc\r\n0\r\n\r\n", 400),
        ((CHUNKED,), b"-1\r\nabc\r\n0\r\n\r\n", 400),
        ((CHUNKED,), b"ffffffffffffffff\r\nabc\r\n0\r\n\r\n", 400),
        ((CHUNKED,), b"3\r\nabc", 400),
        ((CHUNKED, b"Content-Length: 3"), b"0\r\n\r\n", 400),
        ((b"Content-Length: x",), b"abc", 400),
        ((b"Content-Length: -1",), b"abc", 400),
        ((b"Content-Length: 99999999999999999999999",), b"abc", 413),
        ((b"Content-Length: 4", b"Git-Protocol: version=2:\x01"), b"0000", 400),
    ],
)
def test_a_malformed_body_is_refused(
    home: Forge, service: bytes, headers: tuple[bytes, ...], body: bytes, status: int
) -> None:
    line = b"POST /hello.git/git-" + service + b" HTTP/1.1"
    assert status_of(home, line, TOKEN, TYPE % service, *headers, body=body) == status


def test_another_content_type_is_refused(home: Forge) -> None:
    line = b"POST /hello.git/git-upload-pack HTTP/1.1"
    for content_type in (b"application/json", b"\xff\xfe"):
        headers = (TOKEN, b"Content-Type: " + content_type, b"Content-Length: 4")
        assert status_of(home, line, *headers, body=b"0000") == 415


def test_a_fetch_whose_request_is_compressed_is_answered(home: Forge, tmp_path: Path) -> None:
    remote = home.remote("hello.git")
    git("clone", "-q", remote, "first", cwd=tmp_path)
    git("clone", "-q", remote, "second", cwd=tmp_path)
    for number in range(40):  # git lists them all in its request, which it compresses above 1,024 bytes
        commit(tmp_path / "first", {"b": str(number)}, str(number))
    sha = commit(tmp_path / "second", {"c": "1"}, "two")
    git("push", "-q", remote, "main", cwd=tmp_path / "second")
    git("fetch", "-q", remote, "main", cwd=tmp_path / "first")

    assert git("rev-parse", "FETCH_HEAD", cwd=tmp_path / "first").strip() == sha
