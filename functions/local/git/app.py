"""The git server: git's own http-backend behind Basic auth, under gunicorn."""

import base64
import binascii
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from functions.common.errors import Unavailable
from functions.common.settings import from_environment
from functions.local import instance as instances
from functions.local.git.backend import Backend, git_backend

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

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
