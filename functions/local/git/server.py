"""Git over HTTP: `git http-backend` behind Basic authentication, a WSGI application under gunicorn."""

import base64
import binascii
import re
import subprocess
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote

from gunicorn.http.errors import ParseException

from functions.common.errors import NotFound, Unavailable
from functions.common.ports.accounts import Caller
from functions.common.settings import from_environment
from functions.local.files import FULL_BYTES, free_bytes
from functions.local.git.access import REPOSITORY, Forbidden, GitAccess, Service, TooManyTokens, Unauthenticated
from functions.local.git.composition import MAX_PUSH_BYTES, git_access, git_environment

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_HASH = r"[0-9a-f]{38,64}"
# What git requests below a repository; nothing else is served.
_REQUEST = re.compile(
    rf"(?P<repository>{REPOSITORY})"
    r"(?P<rest>/info/refs|/HEAD|/git-upload-pack|/git-receive-pack"
    rf"|/objects/(?:info/(?:packs|alternates|http-alternates)|[0-9a-f]{{2}}/{_HASH}|pack/pack-{_HASH}\.(?:pack|idx)))"
)
_IDLE_SECONDS = 600.0
_GONE_SECONDS = 30.0
_TEXT = ("Content-Type", "text/plain; charset=utf-8")
_CHALLENGE = ("WWW-Authenticate", 'Basic realm="Slipway"')


class _Refused(Exception):
    """A request that gets an error status instead of git's answer."""

    def __init__(self, status: HTTPStatus, text: str, *headers: tuple[str, str]) -> None:
        super().__init__(text)
        self.status, self.headers = f"{status.value} {status.phrase}", [_TEXT, *headers]


@dataclass(frozen=True, slots=True, kw_only=True)
class GitServer:
    """Serves the repositories that a caller may see; see GitAccess."""

    access: GitAccess
    backend: "Backend"

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        if environ.get("PATH_INFO") == "/healthz":
            start_response("200 OK", [_TEXT])
            return [b""]
        if connection := environ.get("gunicorn.socket"):
            connection.settimeout(_IDLE_SECONDS)  # one that reads and sends nothing keeps a thread
        try:
            authorization, address = str(environ.get("HTTP_AUTHORIZATION", "")), str(environ.get("REMOTE_ADDR", ""))
            caller = self._caller(authorization, address)
            path = self._path(caller, str(environ.get("PATH_INFO", "")), str(environ.get("QUERY_STRING", "")))
            return self.backend.run(path, environ, start_response, pusher=caller.email)
        except _Refused as refused:
            start_response(refused.status, refused.headers)
            return [f"{refused}\n".encode()]

    def _caller(self, authorization: str, address: str) -> Caller:
        """Return the caller of Basic credentials: the password is the token, the user name may be any."""
        scheme, _, encoded = authorization.partition(" ")
        try:
            _, _, password = base64.b64decode(encoded, validate=True).partition(b":")
        except (binascii.Error, ValueError):  # ValueError: not ASCII
            password = b""
        token = password.decode(errors="replace") if scheme.lower() == "basic" else ""
        try:
            return self.access.authenticate(token, address)
        except TooManyTokens as error:
            raise _Refused(HTTPStatus.TOO_MANY_REQUESTS, str(error), ("Retry-After", str(error.seconds))) from error
        except Unauthenticated as error:
            raise _Refused(HTTPStatus.UNAUTHORIZED, str(error), _CHALLENGE) from error
        except Unavailable as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Unavailable) -> _Refused:
        is_full = free_bytes(self.access.folder) < FULL_BYTES  # which ends PostgreSQL too
        text = f"the platform's disk is full, make room and push again ({error})" if is_full else str(error)
        return _Refused(HTTPStatus.SERVICE_UNAVAILABLE, text)

    def _path(self, caller: Caller, path: str, query: str) -> str:
        match = _REQUEST.fullmatch(path)
        rest = match["rest"] if match else ""
        is_push = rest == "/git-receive-pack" or (rest == "/info/refs" and Service.PUSH in unquote(query))
        service = Service.PUSH if is_push else Service.FETCH
        try:
            repository = self.access.path(caller, match["repository"] if match else "", service)
        except NotFound as error:
            raise _Refused(HTTPStatus.NOT_FOUND, str(error)) from error
        except Forbidden as error:
            raise _Refused(HTTPStatus.FORBIDDEN, str(error)) from error
        except Unavailable as error:
            raise self._unavailable(error) from error
        return f"/{repository.parent.name}/{repository.name}{rest}"


def create() -> GitServer:
    """Return the git server of the state folder in SLIPWAY_LOCAL_HOME."""
    settings = from_environment()
    access = git_access(settings)
    return GitServer(access=access, backend=git_backend(access.folder, settings.environment.get("PATH", "")))


# `git http-backend` as a CGI program. The body of a request is decoded here, so that a bad one gets a 400: git
# would begin its answer, with status 200, before it reads the body.

_CHUNK_BYTES = 65_536
_MAX_BODY_BYTES = MAX_PUSH_BYTES
_PASSED_ON = ("REQUEST_METHOD", "SERVER_PROTOCOL", "QUERY_STRING", "CONTENT_TYPE", "REMOTE_ADDR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """`program` is git-http-backend, `folder` the root of the repositories, `path` the PATH of git and its hooks."""

    program: str
    folder: Path
    path: str

    def run(
        self, path: str, environ: "WSGIEnvironment", start_response: "StartResponse", *, pusher: str
    ) -> Iterable[bytes]:
        """Answer a request for this path below the folder. Raises _Refused when git cannot answer it."""
        body = _body(environ)
        process, stdin, stdout = self._start(self._environment(path, environ, pusher))
        sender = _Sender(body=body, sink=stdin)
        sender.start()  # both directions flow at the same time: otherwise each side could wait for the other
        status, headers = _head(stdout)
        first = _read(stdout)
        if not first and (process.wait() or sender.error or not status):
            stdout.close()
            raise _failure(sender.error, is_post=environ["REQUEST_METHOD"] == "POST")
        start_response(status, headers)
        return _stream(process, stdout, first, sender)

    def _start(self, environment: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]:
        try:
            process = subprocess.Popen([self.program], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            text = f"git cannot be started: {error.strerror}"
            raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE, text) from error
        if process.stdin is None or process.stdout is None:
            msg = "Popen made no pipes"
            raise RuntimeError(msg)
        return process, process.stdin, process.stdout

    def _environment(self, path: str, environ: "WSGIEnvironment", pusher: str) -> dict[str, str]:
        return {
            **{name: str(environ[name]) for name in _PASSED_ON if environ.get(name)},
            **git_environment(self.path, pusher=pusher, protocol=str(environ.get("HTTP_GIT_PROTOCOL", ""))),
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_HTTP_MAX_REQUEST_BUFFER": "100M",  # the list of commits that a client has, not compressed
            "PATH_INFO": path,
            "REMOTE_USER": "slipway",  # without a user git refuses pushes
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
        try:
            process.wait(_GONE_SECONDS)
        except subprocess.TimeoutExpired:  # its child still prints what becomes of the push, to nobody
            process.kill()
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
