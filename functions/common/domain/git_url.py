"""Which repository a URL names: one key for all its spellings, owner and name at a forge."""

import re
from dataclasses import dataclass
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


def owner_and_name(text: str, *, base_url: str, default_owner: str = "") -> tuple[str, str] | None:
    """Return owner and name of a repository of the forge at `base_url`, or None for one of another forge.

    The text is a clone URL, a repository key or the forge's full name.
    """
    home = repository_key(f"{base_url.rstrip('/')}/any").removesuffix("/any")
    is_url = "://" in text or "@" in text
    if is_url and is_ssh(text):  # SSH has neither the port of the forge's pages nor a path before its repositories
        home = home.partition("/")[0].partition(":")[0]
    key = repository_key(text) if is_url else text.strip("/").removesuffix(".git")
    is_ours = key.startswith(f"{home}/")
    parts = key.removeprefix(f"{home}/").split("/") if is_ours else key.split("/")
    if (is_url and not is_ours) or any(":" in part or part in {"", ".", ".."} for part in parts):
        return None
    match parts:
        case [owner, name]:
            return owner, name
        case [name] if default_owner:
            return default_owner, name
        case _:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneUrls:
    """Where a repository can be cloned from; one that is not known is empty."""

    http: str = ""
    ssh: str = ""


def clone_urls(url: str) -> CloneUrls:
    """Return the clone URLs that follow from a git URL alone."""
    return CloneUrls(http=url) if url.startswith("http") else CloneUrls(ssh=url if is_ssh(url) else "")


def is_ssh(url: str) -> bool:
    """Return whether a git URL leads over SSH, in either of its forms."""
    return "ssh" in urlsplit(url).scheme if "://" in url else bool(url)


def path_at(url: str, *, base_url: str) -> str:
    """Return the path of a git URL below `base_url`, without `.git`; empty when it leads elsewhere."""
    home = repository_key(f"{base_url.rstrip('/')}/any").removesuffix("any")
    key = repository_key(url)
    return key.removeprefix(home) if key.startswith(home) else ""


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
