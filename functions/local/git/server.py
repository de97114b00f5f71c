"""Git over HTTP."""

import base64
import binascii
import hmac
import re
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from functions.common.errors import Unavailable
from functions.common.settings import from_environment
from functions.local import instance as instances

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# `git http-backend` as a CGI program, streaming both ways.

_CHUNK = 65_536
_PASSED_ON = ("REQUEST_METHOD", "QUERY_STRING", "CONTENT_TYPE", "CONTENT_LENGTH", "REMOTE_ADDR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """`program` is git-http-backend, `folder` the root of the repositories."""

    program: str
    folder: Path
    path: str

    def run(self, path: str, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request for this path below the folder."""
        process = subprocess.Popen(
            [self.program], env=self._environment(path, environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        if process.stdin is None or process.stdout is None:
            msg = "both were asked to be pipes"
            raise RuntimeError(msg)
        # The other direction must flow meanwhile, or both sides could wait for each other.
        sender = threading.Thread(target=_send, args=(environ["wsgi.input"], process.stdin), daemon=True)
        sender.start()
        status, headers = _head(process.stdout)
        start_response(status, headers)
        return _body(process, process.stdout, sender)

    def _environment(self, path: str, environ: "WSGIEnvironment") -> dict[str, str]:
        given = {name: str(environ[name]) for name in _PASSED_ON if environ.get(name)}
        return {
            **given,
            "PATH": self.path,
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "REMOTE_USER": "slipway",  # pushing needs somebody
            "GIT_PROTOCOL": str(environ.get("HTTP_GIT_PROTOCOL", "")),
            "HTTP_CONTENT_ENCODING": str(environ.get("HTTP_CONTENT_ENCODING", "")),
            "GIT_CONFIG_COUNT": "4",
            "GIT_CONFIG_KEY_0": "receive.denyNonFastForwards",
            "GIT_CONFIG_VALUE_0": "false",
            "GIT_CONFIG_KEY_1": "receive.denyDeletes",
            "GIT_CONFIG_VALUE_1": "false",
            "GIT_CONFIG_KEY_2": "safe.directory",
            "GIT_CONFIG_VALUE_2": "*",
            # HEAD is whatever was pushed first, be it a branch for a preview; a forge's HEAD means more.
            "GIT_CONFIG_KEY_3": "receive.denyDeleteCurrent",
            "GIT_CONFIG_VALUE_3": "ignore",
        }


def git_backend(folder: Path, path: str) -> Backend:
    """Return the backend of the installed git."""
    found = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True, timeout=10)
    return Backend(program=f"{found.stdout.strip()}/git-http-backend", folder=folder, path=path)


def _send(source: IO[bytes], sink: IO[bytes]) -> None:
    with suppress(OSError), sink:
        while chunk := source.read(_CHUNK):
            sink.write(chunk)


def _head(stdout: IO[bytes]) -> tuple[str, list[tuple[str, str]]]:
    status, headers = "200 OK", []
    while line := stdout.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        if name.lower() == "status":
            status = value.strip()
        else:
            headers.append((name, value.strip()))
    return status, headers


def _body(process: subprocess.Popen[bytes], stdout: IO[bytes], sender: threading.Thread) -> Iterator[bytes]:
    try:
        while chunk := stdout.read1(_CHUNK) if hasattr(stdout, "read1") else stdout.read(_CHUNK):
            yield chunk
    finally:
        stdout.close()
        with suppress(ProcessLookupError):
            if process.poll() is None and sender.is_alive():
                process.kill()  # the client went away in the middle
        process.wait()
        sender.join()


# The git server: git's own http-backend behind Basic auth, under gunicorn.

_REPOSITORY = re.compile(
    r"^/(?:(?P<owner>[A-Za-z0-9][\w.-]*)/)?(?P<name>[A-Za-z0-9][\w.-]*?)(?:\.git)?"
    r"(?P<rest>/(?:info/refs|HEAD|git-upload-pack|git-receive-pack|objects/[\w./-]+))$"
)
_TEXT = [("Content-Type", "text/plain; charset=utf-8")]


@dataclass(frozen=True, slots=True, kw_only=True)
class GitServer:
    """A WSGI application over the bare repositories in `folder`/OWNER/NAME.git."""

    folder: Path
    owner: str
    token: str
    backend: Backend

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        path = str(environ.get("PATH_INFO", ""))
        if path == "/healthz":
            start_response("200 OK", _TEXT)
            return [b""]
        if not self._knows(str(environ.get("HTTP_AUTHORIZATION", ""))):
            start_response("401 Unauthorized", [*_TEXT, ("WWW-Authenticate", 'Basic realm="Slipway"')])
            return [b"use any name, and the admin token as the password\n"]
        match = _REPOSITORY.match(path)
        owner = match["owner"] or self.owner if match else ""
        if match is None or not (self.folder / owner / f"{match['name']}.git").is_dir():
            start_response("404 Not Found", _TEXT)
            return [b"there is no such repository: make the app first, with `paas apps create NAME`\n"]
        return self.backend.run(f"/{owner}/{match['name']}.git{match['rest']}", environ, start_response)

    def _knows(self, authorization: str) -> bool:
        scheme, _, coded = authorization.partition(" ")
        try:
            _, _, password = base64.b64decode(coded, validate=True).partition(b":")
        except binascii.Error:
            return False
        return scheme.lower() == "basic" and hmac.compare_digest(password, self.token.encode())


def create() -> GitServer:
    """Return the git server of the instance in SLIPWAY_LOCAL_HOME. Raises Unavailable when there is none."""
    settings = from_environment()
    home = Path(settings.local_home)
    instance = instances.load(home)
    if instance is None:
        msg = f"{home} holds no instance: run `task up`"
        raise Unavailable(msg)
    folder = home / "git"
    return GitServer(
        folder=folder,
        owner=settings.optional("GITEA_DEFAULT_ORG", "slipway"),
        token=instance.admin_token,
        backend=git_backend(folder, settings.optional("PATH")),
    )
