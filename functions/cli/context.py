"""What every command needs: server and token, the current app, shared options."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import click

from functions.cli.client import USAGE, Client, Failure
from functions.cli.credentials import Credentials

FILE = Path(".slipway") / "endpoints.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A server and a token; `ca` is the authority of its certificate when it is the platform on this machine."""

    server: str
    token: str
    ca: str = ""


def find_endpoint(
    server: str | None, token: str | None, *, start: Path, home: Path, credentials: Credentials, anonymous: bool = False
) -> Endpoint:
    """Return the given server and token; what is missing is looked up.

    The server is that of .slipway/endpoints.json in `start` or its parents, else that of the last login, else that of
    the file in `home`. The token is that of the login there, else the file's, which is sent only to the file's server.
    Raises Failure naming what is missing; a token is not needed when `anonymous`.
    """
    near = _endpoints_file(start, *start.parents)
    current = "" if near or server else credentials.current()
    file = near or _endpoints_file(home)
    known = _read(file) if file else {}
    where = server or current or known.get("gateway", "")
    if not where:
        msg = f"no server: give --server, set PAAS_SERVER, or run `task up`, which writes {FILE}"
        raise Failure(msg, USAGE)
    local = where.rstrip("/") == known.get("gateway", "").rstrip("/")
    chosen = (token or credentials.token(where) or (known.get("token", "") if local else "")).strip()
    if not chosen and not anonymous:
        msg = f"no token for {where}: log in with `paas login`, give --token, or set PAAS_TOKEN"
        raise Failure(msg, USAGE)
    if not (chosen.isascii() and chosen.isprintable()) and not anonymous:  # a header's error would show it
        msg = "the token has characters that no token has: copy it again"
        raise Failure(msg, USAGE)
    return Endpoint(
        server=where,
        token="" if anonymous else chosen,
        ca=known.get("ca", "") if local else "",
    )


def known_database(*, start: Path, home: Path) -> str:
    """Return the database of the platform on this machine. Raises Failure when there is none."""
    file = _endpoints_file(start, *start.parents, home)
    database = _read(file).get("database", "") if file else ""
    if not database:
        msg = f"no database: give --database, set DATABASE_URL, or run `task up`, which writes {FILE}"
        raise Failure(msg, USAGE)
    return database


def _endpoints_file(*folders: Path) -> Path | None:
    return next((folder / FILE for folder in folders if (folder / FILE).is_file()), None)


def _read(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {
            "gateway": str(found["gateway"]),
            **{key: str(found.get(key, "")) for key in ("token", "ca", "database")},
        }
    except (OSError, ValueError, KeyError, AttributeError) as error:
        msg = f"{file} cannot be read ({error}): remove it, or run `task up` again"
        raise Failure(msg, USAGE) from error


# The git remote `paas` of a clone.

REMOTE = "paas"
TIMEOUT_SECONDS = 10
_APP = f"remote.{REMOTE}.slipway-app"  # the app, and the remote's URL when it was set; removed with the remote


def is_clone() -> bool:
    """Return whether the current folder is inside a git work tree."""
    return _git("rev-parse", "--is-inside-work-tree").stdout.strip() == "true"


def remote_url() -> str:
    """Return the URL of the remote, empty when there is none."""
    return _git("remote", "get-url", REMOTE).stdout.strip()


def commit_of_clone(name: str) -> str:
    """Return the sha of a commit that git knows by this name in the current folder, else an empty text."""
    return _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").stdout.strip()


def branch_of_clone() -> str:
    """Return the current branch, empty when HEAD is on none."""
    return _git("symbolic-ref", "--quiet", "--short", "HEAD").stdout.strip()


def default_branch() -> str:
    """Return the branch that a clone's production comes from: `main`, or `master` where that is all there is."""
    older = branch_of_clone()
    return older if older in {"master", "trunk"} and not commit_of_clone("refs/heads/main") else "main"


def head_at_remote(branch: str) -> str:
    """Return the sha of a branch of the remote, empty when it has none or does not answer."""
    return _git("ls-remote", REMOTE, f"refs/heads/{branch}").stdout.partition("\t")[0].strip()


def app_of_clone() -> str:
    """Return the app of the remote: the one set by `use_app`, else the one in the remote's URL, else empty."""
    return _configured_app() or _app_in_url()


def use_app(app: str) -> str:
    """Make the app the current one of this clone unless it has one already; return the current one.

    The remote's URL is not enough: a repository may have any name and feed several apps.
    """
    current = _configured_app()
    if not current:
        _git("config", _APP, f"{app} {remote_url()}")
    return current or app


def _configured_app() -> str:
    app, _, url = _git("config", "--get", _APP).stdout.strip().partition(" ")
    return app if url == remote_url() else ""


def _app_in_url() -> str:
    path = remote_url().rstrip("/").removesuffix(".git")
    return path.rpartition("/")[2].rpartition(":")[2] if path else ""


def add_remote(url: str) -> str:
    """Add the remote. Return added, kept (it leads there already) or other (it leads elsewhere)."""
    present = remote_url()
    if not present:
        _change("remote", "add", REMOTE, url)
        return "added"
    if without_user(present) != url:
        return "other"
    if present != url:
        _change("remote", "set-url", REMOTE, url)  # without the password that was in it
    return "kept"


def without_user(url: str) -> str:
    """Return an HTTP URL without user name and password."""
    parts = urlsplit(url)
    return (
        urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if parts.scheme.startswith("http") else url
    )


def configure(*arguments: str) -> None:
    """Change git's configuration of this clone. Raises Failure."""
    _change("config", "--local", *arguments)


def _change(*arguments: str) -> None:
    done = _git(*arguments)
    if done.returncode:
        msg = f"`git {' '.join(arguments[:2])}` failed: {done.stderr.strip()}"
        raise Failure(msg)


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", *arguments]
    try:
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return subprocess.CompletedProcess(command, 1, "", "git is missing or does not answer")


# What commands share.

HOME = Path(__file__).parents[2]  # where `task up` of this installation runs
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(slots=True)
class Session:
    """The options --server and --token or their variables; resolved when a command needs them."""

    server: str | None = None
    token: str | None = None

    @property
    def credentials(self) -> Credentials:
        """The logins on this machine."""
        return Credentials.of_user()

    def endpoint(self, *, anonymous: bool = False) -> Endpoint:
        """Return server and token, without a token when `anonymous`. Raises Failure."""
        return find_endpoint(
            self.server,
            self.token,
            start=Path.cwd(),
            home=HOME,
            credentials=self.credentials,
            anonymous=anonymous,
        )

    def client(self, *, anonymous: bool = False) -> Client:
        """Return the client of that server. Raises Failure."""
        endpoint = self.endpoint(anonymous=anonymous)
        return Client(server=endpoint.server, token=endpoint.token, ca=endpoint.ca)


def chosen_app(app: str | None) -> str:
    """Return --app, else the app of the clone. Raises Failure without either."""
    name = app or app_of_clone()
    if not name:
        msg = "no app is given: use --app NAME, or run this in a clone with the git remote `paas`"
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
