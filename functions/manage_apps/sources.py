"""Checks of where an app's code comes from."""

import re
from urllib.parse import urlsplit

from functions.common.domain.git_url import repository_key
from functions.common.errors import Rejected

_MAX_URL = 2000
# What git itself refuses in a branch's name, as far as it could do harm here.
_BAD_BRANCH = re.compile(r"^\Z|^[-/.]|[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\Z|\.\Z|\.lock\Z")
_MAX_BRANCH = 250


def checked_git_url(url: str) -> str:
    """Return the URL. Raises Rejected when it names no repository, or holds a password, without repeating it."""
    text = url.strip()
    if len(text) > _MAX_URL or any(ord(character) < ord("!") for character in text):
        msg = "git_url: give a URL of at most 2000 characters, without spaces"
        raise Rejected(msg)
    repository_key(text)
    scheme = urlsplit(text).scheme if "://" in text else "ssh"
    if scheme not in {"http", "https", "ssh", "git", "git+ssh", "git+https", "git+http"}:
        msg = f"git_url: the scheme {scheme!r} is not supported: give an https or ssh URL"
        raise Rejected(msg)
    if _holds_a_password(text):
        msg = "git_url: give it without a user name and password: the platform reads repositories with its own access"
        raise Rejected(msg)
    return text


def _holds_a_password(url: str) -> bool:
    if "://" not in url:  # ssh as scp has it: USER@HOST:PATH
        user, at, _ = url.partition("@")
        return bool(at) and ":" in user
    parts = urlsplit(url)
    return parts.password is not None or (parts.scheme.endswith(("http", "https")) and "@" in parts.netloc)


def checked_branch(branch: str) -> str:
    """Return the branch. Raises Rejected when git would not accept the name."""
    name = branch.removeprefix("refs/heads/")
    if len(name) > _MAX_BRANCH or _BAD_BRANCH.search(name):
        msg = f"branch {branch!r} is not a branch name"
        raise Rejected(msg)
    return name
