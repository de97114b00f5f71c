"""What every command needs: the API, the app that is meant, and where both are written."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import click

from functions.cli.client import USAGE, Client, Failure

# Which server and token a command uses.

FILE = Path(".slipway") / "endpoints.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """`git` is the base URL to push to, with credentials, where the platform of this machine is used."""

    server: str
    token: str
    ca: str = ""
    git: str = ""


def find_endpoint(server: str | None, token: str | None, *, start: Path, home: Path) -> Endpoint:
    """Return what was given, and for the rest what .slipway/endpoints.json says: from `start` upwards, else in `home`.

    The file's token is sent to the file's server only. Raises Failure naming what is missing.
    """
    file = next((folder / FILE for folder in (start, *start.parents, home) if (folder / FILE).is_file()), None)
    known = _read(file) if file else {}
    if not server and not known:
        msg = f"no server: give --server, set PAAS_SERVER, or run `task up`, which writes {FILE}"
        raise Failure(msg, USAGE)
    local = not server or server.rstrip("/") == known.get("gateway", "").rstrip("/")
    chosen = (token or (known.get("token", "") if local else "")).strip()
    if not chosen:
        msg = f"no token for {server}: give --token or set PAAS_TOKEN"
        raise Failure(msg, USAGE)
    if not (chosen.isascii() and chosen.isprintable()):  # it would fail in a header, with an error that shows it
        msg = "the token holds characters that no token has: copy it again"
        raise Failure(msg, USAGE)
    where = server or known["gateway"]
    return Endpoint(
        server=where,
        token=chosen,
        ca=known.get("ca", "") if local else "",
        git=known.get("git", "") if local else "",
    )


def _read(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {"gateway": str(found["gateway"]), **{key: str(found.get(key, "")) for key in ("token", "ca", "git")}}
    except (OSError, ValueError, KeyError, AttributeError) as error:
        msg = f"{file} cannot be read ({error}): remove it, or run `task up` again"
        raise Failure(msg, USAGE) from error


# The git remote `paas` of a clone.

REMOTE = "paas"
TIMEOUT_SECONDS = 10
_APP = f"remote.{REMOTE}.slipway-app"  # the app, and the URL that it was said of; it goes with the remote


def is_clone() -> bool:
    """Return whether the current folder is inside a git work tree."""
    return _git("rev-parse", "--is-inside-work-tree").stdout.strip() == "true"


def remote_url() -> str:
    """Return the URL of the remote, empty when there is none."""
    return _git("remote", "get-url", REMOTE).stdout.strip()


def app_of_remote() -> str:
    """Return the app that the remote stands for: that of `stand_for`, else the one that its URL names; or empty."""
    return _app_meant() or _named_by_url()


def stand_for(app: str) -> str:
    """Let commands in this clone mean the app, unless they mean another already; return the one that they mean.

    The URL does not say: a repository of one's own is called as one likes, and several apps may come from it.
    """
    meant = _app_meant()
    if not meant:
        _git("config", _APP, f"{app} {remote_url()}")
    return meant or app


def _app_meant() -> str:
    app, _, url = _git("config", "--get", _APP).stdout.strip().partition(" ")
    return app if url == remote_url() else ""


def _named_by_url() -> str:
    path = remote_url().rstrip("/").removesuffix(".git")
    return path.rpartition("/")[2].rpartition(":")[2] if path else ""


def add_remote(url: str) -> str:
    """Add the remote and return what was done: added, kept (the same was there), or other (another was there)."""
    there = remote_url()
    if there:
        return "kept" if there == url else "other"
    added = _git("remote", "add", REMOTE, url)
    if added.returncode:
        msg = f"the git remote {REMOTE} could not be added: {added.stderr.strip()}"
        raise Failure(msg)
    return "added"


def with_credentials(url: str, base: str) -> str:
    """Return the URL with the user info of `base`, if both are on the same host and port."""
    parts, given = urlsplit(url), urlsplit(base)
    host = given.netloc.rpartition("@")[2]
    if not base or "@" not in given.netloc or parts.netloc != host:
        return url
    return urlunsplit(parts._replace(netloc=given.netloc))


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", *arguments]
    try:
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return subprocess.CompletedProcess(command, 1, "", "git is not there or does not answer")


# What commands share: the server, the app that is meant, and the option --json.

HOME = Path(__file__).parents[2]  # where `task up` of this very installation runs, whatever folder an app is in
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(slots=True)
class Session:
    """What --server and --token (or their variables) say; looked up when a command needs it."""

    server: str | None = None
    token: str | None = None

    def endpoint(self) -> Endpoint:
        """Return server and token. Raises Failure."""
        return find_endpoint(self.server, self.token, start=Path.cwd(), home=HOME)

    def client(self) -> Client:
        """Return the client of that server. Raises Failure."""
        endpoint = self.endpoint()
        return Client(server=endpoint.server, token=endpoint.token, ca=endpoint.ca)


def chosen_app(app: str | None) -> str:
    """Return --app, else the app of the clone's remote. Raises Failure when neither says."""
    name = app or app_of_remote()
    if not name:
        msg = "which app? give --app NAME, or run this in a clone with the git remote `paas`"
        raise Failure(msg, USAGE)
    return name


def json_option(command: F) -> F:
    """Add --json: one JSON document on stdout, and nothing else there."""
    return click.option("as_json", "--json", is_flag=True, help="Print JSON for machines.")(command)


def app_option(command: F) -> F:
    """Add --app."""
    return click.option("--app", metavar="NAME", help="The app; by default that of the git remote `paas`.")(command)


def environment_option(command: F) -> F:
    """Add --environment."""
    return click.option(
        "--environment", default="production", show_default=True, help="The environment: production or a preview."
    )(command)
