"""Git over HTTP: `git http-backend` behind Basic authentication, a WSGI application under gunicorn."""

import base64
import binascii
import hmac
import re
import subprocess
import threading
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING

from gunicorn.http.errors import ParseException

from functions.common.errors import Unavailable
from functions.common.settings import from_environment
from functions.local import instance as instances

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
_HASH = r"[0-9a-f]{38,64}"
# What git requests below a repository; nothing else is served.
_REPOSITORY = re.compile(
    rf"/(?:(?P<owner>{_NAME})/)?(?P<name>{_NAME}?)(?:\.git)?"
    r"(?P<rest>/info/refs|/HEAD|/git-upload-pack|/git-receive-pack"
    rf"|/objects/(?:info/(?:packs|alternates|http-alternates)|[0-9a-f]{{2}}/{_HASH}|pack/pack-{_HASH}\.(?:pack|idx)))"
)
_TEXT = ("Content-Type", "text/plain; charset=utf-8")
_CHALLENGE = ("WWW-Authenticate", 'Basic realm="Slipway"')


class _Refused(Exception):
    """A request that gets an error status instead of git's answer."""

    def __init__(self, status: HTTPStatus, text: str, *headers: tuple[str, str]) -> None:
        super().__init__(text)
        self.status, self.headers = f"{status.value} {status.phrase}", [_TEXT, *headers]


@dataclass(frozen=True, slots=True, kw_only=True)
class GitServer:
    """Serves the bare repositories in `folder`/OWNER/NAME.git; `owner` stands for a missing OWNER."""

    folder: Path
    owner: str
    token: str
    backend: "Backend"

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        if environ.get("PATH_INFO") == "/healthz":
            start_response("200 OK", [_TEXT])
            return [b""]
        try:
            self._authorize(str(environ.get("HTTP_AUTHORIZATION", "")))
            path = self._path(str(environ.get("PATH_INFO", "")))
            return self.backend.run(path, environ, start_response)
        except _Refused as refused:
            start_response(refused.status, refused.headers)
            return [f"{refused}\n".encode()]

    def _authorize(self, authorization: str) -> None:
        scheme, _, encoded = authorization.partition(" ")
        try:
            _, _, password = base64.b64decode(encoded, validate=True).partition(b":")
        except (binascii.Error, ValueError):  # ValueError: not ASCII
            password = b""
        if scheme.lower() != "basic" or not hmac.compare_digest(password, self.token.encode()):
            text = "use any user name, and the admin token as the password"
            raise _Refused(HTTPStatus.UNAUTHORIZED, text, _CHALLENGE)

    def _path(self, path: str) -> str:
        match = _REPOSITORY.fullmatch(path)
        owner = match["owner"] or self.owner if match else ""
        if match is None or not (self.folder / owner / f"{match['name']}.git").is_dir():
            text = "there is no such repository: make the app first, with `paas apps create NAME`"
            raise _Refused(HTTPStatus.NOT_FOUND, text)
        return f"/{owner}/{match['name']}.git{match['rest']}"


def create() -> GitServer:
    """Return the git server of the instance in SLIPWAY_LOCAL_HOME. Raises Unavailable when there is none."""
    settings = from_environment()
    home = settings.local.home
    instance = instances.load(home)
    if instance is None:
        msg = f"{home} holds no instance: run `task up`"
        raise Unavailable(msg)
    folder = home / "git"
    return GitServer(
        folder=folder,
        owner=settings.forge.organisation,
        token=instance.admin_token,
        backend=git_backend(folder, settings.environment.get("PATH", "")),
    )


# `git http-backend` as a CGI program. The body of a request is decoded here, so that a bad one gets a 400: git
# would begin its answer, with status 200, before it reads the body.

_CHUNK_BYTES = 65_536
_MAX_BODY_BYTES = 8 * 1024**3
_PASSED_ON = ("REQUEST_METHOD", "SERVER_PROTOCOL", "QUERY_STRING", "CONTENT_TYPE", "REMOTE_ADDR")
_GIT_CONFIG = {
    "receive.denyNonFastForwards": "false",
    "receive.denyDeletes": "false",
    "safe.directory": "*",
    # HEAD is the branch that was pushed first, perhaps one for a preview; a forge's HEAD means more.
    "receive.denyDeleteCurrent": "ignore",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """`program` is git-http-backend, `folder` the root of the repositories, `path` the PATH of git and its hooks."""

    program: str
    folder: Path
    path: str

    def run(self, path: str, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request for this path below the folder. Raises _Refused when git cannot answer it."""
        body = _body(environ)
        process, stdin, stdout = self._start(path, environ)
        sender = _Sender(body=body, sink=stdin)
        sender.start()  # both directions flow at the same time: otherwise each side could wait for the other
        status, headers = _head(stdout)
        first = _read(stdout)
        if not first and (process.wait() or sender.error or not status):
            stdout.close()
            raise _failure(sender.error, is_post=environ["REQUEST_METHOD"] == "POST")
        start_response(status, headers)
        return _stream(process, stdout, first, sender)

    def _start(self, path: str, environ: "WSGIEnvironment") -> tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]:
        try:
            process = subprocess.Popen(
                [self.program], env=self._environment(path, environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        except OSError as error:
            text = f"git cannot be started: {error.strerror}"
            raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE, text) from error
        if process.stdin is None or process.stdout is None:
            msg = "Popen made no pipes"
            raise RuntimeError(msg)
        return process, process.stdin, process.stdout

    def _environment(self, path: str, environ: "WSGIEnvironment") -> dict[str, str]:
        config = {f"GIT_CONFIG_KEY_{n}": name for n, name in enumerate(_GIT_CONFIG)}
        config |= {f"GIT_CONFIG_VALUE_{n}": value for n, value in enumerate(_GIT_CONFIG.values())}
        return {
            **{name: str(environ[name]) for name in _PASSED_ON if environ.get(name)},
            "PATH": self.path,
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_HTTP_MAX_REQUEST_BUFFER": "100M",  # the list of commits that a client has, not compressed
            "PATH_INFO": path,
            "REMOTE_USER": "slipway",  # without a user git refuses pushes
            "GIT_PROTOCOL": str(environ.get("HTTP_GIT_PROTOCOL", "")),
            "GIT_CONFIG_COUNT": str(len(_GIT_CONFIG)),
            **config,
        }


def git_backend(folder: Path, path: str) -> Backend:
    """Return the backend of the installed git."""
    found = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True, timeout=10)
    return Backend(program=f"{found.stdout.strip()}/git-http-backend", folder=folder, path=path)


def _failure(body_error: str, *, is_post: bool) -> _Refused:
    if is_post:
        return _Refused(HTTPStatus.BAD_REQUEST, body_error or "git cannot read this request")
    return _Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "git failed: see logs/git.log of the platform")


def _head(stdout: IO[bytes]) -> tuple[str, list[tuple[str, str]]]:
    """Return the status, empty when git wrote no header, and the other headers."""
    status, headers = "", []
    while line := stdout.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        status = status or "200 OK"
        if name.lower() == "status":
            status = value.strip()
        else:
            headers.append((name, value.strip()))
    return status, headers


def _stream(process: subprocess.Popen[bytes], stdout: IO[bytes], first: bytes, sender: "_Sender") -> Iterator[bytes]:
    try:
        chunk = first
        while chunk:
            yield chunk
            chunk = _read(stdout)
    finally:
        stdout.close()
        with suppress(ProcessLookupError):
            if process.poll() is None and sender.is_alive():
                process.kill()  # the client closed the connection early
        process.wait()
        sender.join()


def _read(stdout: IO[bytes]) -> bytes:
    return stdout.read1(_CHUNK_BYTES) if hasattr(stdout, "read1") else stdout.read(_CHUNK_BYTES)


# The body of a request.


class _BodyError(Exception):
    """The body cannot be read; the text says why."""


class _Sender(threading.Thread):
    """Sends a request's body to git; `error` is set, before git sees the end, when the body is broken."""

    def __init__(self, *, body: Iterator[bytes], sink: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self.error = ""
        self._body, self._sink = body, sink

    def run(self) -> None:
        """Send until the end of the body, or until git reads no more."""
        with suppress(OSError), self._sink:
            try:
                for chunk in self._body:
                    self._sink.write(chunk)
            except _BodyError as error:
                self.error = str(error)


def _body(environ: "WSGIEnvironment") -> Iterator[bytes]:
    """Return the decoded body in chunks; reading it may raise _BodyError. Raises _Refused."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > _MAX_BODY_BYTES:
        text = f"a push may have at most {_MAX_BODY_BYTES // 1024**3} GiB"
        raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
    chunks = _received(environ["wsgi.input"], length)
    encoding = str(environ.get("HTTP_CONTENT_ENCODING", "identity")).strip().lower()
    if encoding in {"gzip", "x-gzip"}:
        return _gunzipped(chunks)
    if encoding in {"", "identity"}:
        return chunks
    text = "the body must be plain or compressed with gzip"
    raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, text)


def _received(source: IO[bytes], length: int) -> Iterator[bytes]:
    size = 0
    try:
        while chunk := source.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > _MAX_BODY_BYTES:
                msg = "the body is too large"
                raise _BodyError(msg)
            yield chunk
    except (OSError, ParseException) as error:
        msg = "the body ends early, or its chunks are malformed"
        raise _BodyError(msg) from error
    if size < length:
        msg = "the body ends early"
        raise _BodyError(msg)


def _gunzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    decoder, size = zlib.decompressobj(16 + zlib.MAX_WBITS), 0  # 16: with the header of gzip
    try:
        for chunk in chunks:
            rest = chunk
            while rest and not decoder.eof:
                plain = decoder.decompress(rest, _CHUNK_BYTES)
                rest, size = decoder.unconsumed_tail, size + len(plain)
                if size > _MAX_BODY_BYTES:
                    msg = "the body is too large"
                    raise _BodyError(msg)
                yield plain
    except zlib.error as error:
        msg = "the body is not valid gzip"
        raise _BodyError(msg) from error
    if not decoder.eof:
        msg = "the gzip body ends early"
        raise _BodyError(msg)
