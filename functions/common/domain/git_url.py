"""One key for all spellings of a repository's URL."""

import re
from urllib.parse import urlsplit

from functions.common.errors import Rejected

_SCP_LIKE = re.compile(r"^(?:[^@/\s]+@)?(?P<host>\[[^\]]+\]|[^:/\s]+):(?!//)(?P<path>\S+)\Z")
_DEFAULT_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418}


def repository_key(url: str) -> str:
    """Return `host[:port]/path` for a git URL, equal for every spelling of one repository.

    Scheme, user info, default ports, the host's case, a trailing slash and `.git` are ignored;
    `git@host:owner/name` equals `ssh://git@host/owner/name`. Other ports are kept, except ssh ports: they do not
    distinguish forges. Raises Rejected when the URL has no host or no path.
    """
    text = url.strip()
    scp = None if "://" in text else _SCP_LIKE.match(text)
    if scp:
        host, port, path = scp["host"].strip("[]"), None, scp["path"]
    else:
        host, port, path = _split(text)
    path = re.sub(r"/+", "/", path).strip("/").removesuffix(".git").rstrip("/")
    if not host or not path:
        msg = f"git URL {_without_user_info(text)!r} names no repository: give https://HOST/OWNER/NAME.git"
        raise Rejected(msg)
    return f"{host.lower()}{f':{port}' if port else ''}/{path}"


def _split(text: str) -> tuple[str, int | None, str]:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        msg = f"git URL {_without_user_info(text)!r} cannot be read: {error}"
        raise Rejected(msg) from error
    scheme = parts.scheme.removeprefix("git+")
    if scheme == "ssh" or port == _DEFAULT_PORTS.get(scheme):
        port = None
    return host, port, parts.path


def _without_user_info(text: str) -> str:
    return re.sub(r"//[^@/]*@", "//", text)
