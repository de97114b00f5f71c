"""The git remote `paas` of a clone."""

import subprocess
from urllib.parse import urlsplit, urlunsplit

from functions.cli.failures import Failure

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
