"""An app: one repository deployed under one name."""

import re
from dataclasses import dataclass

from functions.common.errors import Rejected

_NAME = re.compile(r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?\Z")
DEFAULT_BRANCH = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """`paths` are globs: a push that changes no matching file is ignored. Empty means that every push counts.

    `root` is the app's folder in its repository, empty for the top.
    """

    id: str
    name: str
    git_url: str
    branch: str = DEFAULT_BRANCH
    domain: str = ""
    custom_domains: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    root: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visibility:
    """Which apps a list may show: those of a user (empty: every app), and only one of them unless `app` is empty."""

    user: str = ""
    app: str = ""


EVERYTHING = Visibility()


_MAX_ROOT = 255
_NOT_IN_ROOTS = re.compile(r"""[\x00-\x1f\x7f\\\x24`"']""")


def checked_root(text: str, *, field: str = "root") -> str:
    """Return an app's folder in its repository without `./` and the last `/`, empty for the top.

    Raises Rejected, naming `field`, for what may lead out of the repository or is no folder's name.
    """
    parts = [part for part in text.strip().rstrip("/").split("/") if part != "."]
    root = "/".join(parts)
    if root and (
        len(root) > _MAX_ROOT
        or _NOT_IN_ROOTS.search(root)
        or {"", ".."} & set(parts)
        or ".git" in map(str.lower, parts)
    ):
        msg = (
            f"{field}: give a folder of the repository such as services/web: at most {_MAX_ROOT} characters, without a "
            "slash at its start, the parts .. and .git, quotes, `$` and backslashes; `.` is the top"
        )
        raise Rejected(msg)
    return root


def checked_app_name(name: str) -> str:
    """Return the name, or raise Rejected: it becomes a DNS label, a namespace and an image name.

    `--` separates a preview's branch from its app in host names, so no app may contain it.
    """
    if not _NAME.match(name) or "--" in name:
        msg = (
            f"app name {name!r} is not usable: 1 to 40 characters a-z, 0-9 and single '-', "
            "starting with a letter and not ending with '-'"
        )
        raise Rejected(msg)
    return name
