"""Git URLs and refs: which may be fetched, one key for all spellings of a repository, owner and name at a forge."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from functions.common.errors import Rejected

_SCP_LIKE = re.compile(r"^(?:[^@/\s]+@)?(?P<host>\[[^\]]+\]|[^:/\s]+):(?!//)(?P<path>\S+)\Z")
_END_OF_PATH = re.compile(r"\.git\Z", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418}


def repository_key(url: str) -> str:
    """Return `host[:port]/path` for a git URL, equal for every spelling of one repository, in lower case.

    Scheme, user info, default ports, the dot that may end a host, superfluous slashes, `.git` and case are ignored:
    forges take names in any case. `git@host:owner/name` equals `ssh://git@host/owner/name`. Other ports are kept,
    except ssh ports: they do not distinguish forges. Raises Rejected when the URL has no host or no path.
    """
    return _spelled_key(url).lower()


def host_key(url: str) -> str:
    """Return `host[:port]` of a URL, as it begins the keys of repositories there. Raises Rejected without a host."""
    return repository_key(f"{url.rstrip('/')}/any").partition("/")[0]


def identity_of(key: str, number: str) -> str:
    """Return what identifies a repository whatever it is called: its key's host and its forge's id; or nothing."""
    return f"{key.partition('/')[0]}#{number}" if number else ""


def full_name_of(url: str) -> str:
    """Return the path of a git URL without `.git`, as it is spelled: the name of the repository at its forge."""
    return _spelled_key(url).partition("/")[2]


def _spelled_key(url: str) -> str:
    """Return the key of a git URL with its path as it is spelled, for the API of its forge and for file names."""
    text = url.strip()
    scp = None if "://" in text else _SCP_LIKE.match(text)
    if scp:
        host, port, path = scp["host"].strip("[]"), None, scp["path"]
    else:
        host, port, path = _split(text)
    path = _END_OF_PATH.sub("", re.sub(r"/+", "/", path).strip("/")).rstrip("/")
    host = host.removesuffix(".")
    if not host or not path:
        msg = f"git URL {_without_user_info(text)!r} names no repository: give https://HOST/OWNER/NAME.git"
        raise Rejected(msg)
    return f"{host.lower()}{f':{port}' if port else ''}/{path}"


def repository_keys(urls: Iterable[str]) -> tuple[str, ...]:
    """Return the key of each URL of a repository, the best first. Raises Rejected when no URL is readable."""
    keys = []
    for url in urls:
        with suppress(Rejected):
            keys.append(repository_key(url))
    if not keys:
        msg = "the repository has no readable git URL"
        raise Rejected(msg)
    return tuple(dict.fromkeys(keys))


def owner_and_name(text: str, *, base_url: str, default_owner: str = "") -> tuple[str, str] | None:
    """Return owner and name of a repository of the forge at `base_url`, or None for one of another forge.

    The text is a clone URL, a repository key or the forge's full name.
    """
    home = repository_key(f"{base_url.rstrip('/')}/any").removesuffix("/any")
    is_url = "://" in text or "@" in text
    if is_url and is_ssh(text):  # SSH has neither the port of the forge's pages nor a path before its repositories
        home = home.partition("/")[0].partition(":")[0]
    key = _spelled_key(text) if is_url else _END_OF_PATH.sub("", text.strip("/"))
    is_ours = key.lower().startswith(f"{home}/")
    parts = (key[len(home) + 1 :] if is_ours else key).split("/")
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
    """Return the path of a git URL below `base_url`, as spelled, without `.git`; empty when it leads elsewhere."""
    home = repository_key(f"{base_url.rstrip('/')}/any").removesuffix("any")
    key = _spelled_key(url)
    return key[len(home) :] if key.lower().startswith(home) else ""


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


# Which URLs and refs may be given to git. git takes much more: commands (`ext::`), files, options, and addresses in
# many spellings; a second spelling of one repository would also pass for another one.

_MAX_URL = 2000
_SCHEMES = frozenset({"http", "https", "ssh", "git"})
# Visible ASCII without what begins another meaning: quotes, a query, a fragment, and backslashes, which some read as /.
_TEXT = re.compile(r"^[A-Za-z0-9._~:/@!\x24&()*+,;=%\[\]-]+\Z")
_HELPER = re.compile(r"^[A-Za-z0-9.+-]*::")  # git-remote-NAME
_USER = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9._-]*\Z")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_HOST = re.compile(rf"^{_LABEL}(?:\.{_LABEL})*\Z")
_NUMBER = re.compile(r"^(?:[0-9]+|0x[0-9a-f]*)\Z")  # the last label of a host that is read as an IPv4 address
_UNRESERVED = re.compile(r"%(?:2[DdEeFf]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9AaEe])")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitUrl:
    """A URL that may be given to git; scp's form `USER@HOST:PATH` has the scheme ssh. The port may be a default."""

    text: str
    scheme: str
    host: str
    port: int

    @property
    def is_web(self) -> bool:
        """Whether it leads over HTTP."""
        return self.scheme in {"http", "https"}

    def is_at(self, base_url: str) -> bool:
        """Return whether it leads to the server at `base_url`; over SSH the server may have any port."""
        base = urlsplit(base_url)
        host, port = (base.hostname or "").lower(), base.port or _DEFAULT_PORTS.get(base.scheme)
        return self.host == host and (not self.is_web or self.port == port)


def checked_git_url(url: str, *, field: str = "git_url") -> GitUrl:
    """Return a URL that may be given to git. Raises Rejected, naming `field`; the error does not repeat the URL."""
    text = url.strip()
    if len(text) > _MAX_URL or not _TEXT.match(text):
        msg = f"{field}: give a URL of at most {_MAX_URL} ASCII characters, without spaces, quotes, ?, # and \\"
        raise Rejected(msg)
    if _HELPER.match(text):
        msg = f"{field}: it names a program of git (NAME::): give an https or ssh URL"
        raise Rejected(msg)
    repository_key(text)
    found = _of_url(text, field) if "://" in text else _of_scp(text, field)
    _check_host(found.host, field)
    _check_path(repository_path(text), field)
    return found


def repository_path(url: str) -> str:
    """Return the path of a git URL, as its host gets it."""
    scp = None if "://" in url else _SCP_LIKE.match(url)
    return scp["path"] if scp else urlsplit(url).path


def _of_url(text: str, field: str) -> GitUrl:
    text = text.removeprefix("git+")
    parts = urlsplit(text)
    if parts.scheme not in _SCHEMES:
        msg = f"{field}: the scheme {parts.scheme!r} is not supported: give an https or ssh URL"
        raise Rejected(msg)
    _check_user(parts, field)
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    return GitUrl(text=text, scheme=parts.scheme, host=(parts.hostname or "").lower(), port=port)


def _check_user(parts: SplitResult, field: str) -> None:
    user, at, _ = parts.netloc.rpartition("@")
    if at and (parts.scheme != "ssh" or ":" in user):
        raise _has_credentials(field)
    _check_ssh_user(user if at else "git", field)


def _has_credentials(field: str) -> Rejected:
    return Rejected(
        f"{field}: give it without a user name and password: the platform reads repositories with its own access"
    )


def _of_scp(text: str, field: str) -> GitUrl:
    scp = _SCP_LIKE.match(text)
    user, at, _ = text.rpartition("@")
    if scp is None or (at and (":" in user or "/" in user)):
        raise _has_credentials(field)
    _check_ssh_user(user if at else "git", field)
    return GitUrl(text=text, scheme="ssh", host=scp["host"].strip("[]").lower(), port=_DEFAULT_PORTS["ssh"])


def _check_ssh_user(user: str, field: str) -> None:
    if not _USER.match(user):
        msg = f"{field}: its user may have letters, digits, `.`, `_` and `-`, and must not begin with `-`"
        raise Rejected(msg)


def _check_host(host: str, field: str) -> None:
    """Raise Rejected for a host that programs read in different ways."""
    if ":" in host or _NUMBER.match(host.rpartition(".")[2]):
        try:
            is_plain = str(ip_address(host)) == host and "%" not in host
        except ValueError:
            is_plain = False
        if not is_plain:
            msg = f"{field}: its host is an IP address in an unusual spelling: write it as 203.0.113.7 or [2001:db8::1]"
            raise Rejected(msg)
    elif not _HOST.match(host):
        msg = f"{field}: its host is not one: give a name like git.example.org (international names in their xn-- form)"
        raise Rejected(msg)


def _check_path(path: str, field: str) -> None:
    """Raise Rejected for a path that a server reads as another: it would not be known as that repository's."""
    if path.startswith("-") or {".", ".."} & set(path.split("/")) or _UNRESERVED.search(path) or ":" in path:
        msg = (
            f"{field}: its path must not begin with `-`, and must not have `:`, escaped letters, or the parts . and .."
        )
        raise Rejected(msg)


# What git refuses in the name of a ref (git-check-ref-format), and in addition a `-` at the beginning.
_BAD_REF = re.compile(r"^\Z|^-|[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^/|/\Z|\.\Z|(?:^|/)\.|\.lock(?:/|\Z)", re.ASCII)
_HEADS = "refs/heads/"
_MAX_BRANCH = 250


def is_branch_name(name: str) -> bool:
    """Return whether git takes the name for a branch: it may then be part of a path, a URL and a command line."""
    return not _BAD_REF.search(name) and name != "HEAD"


def checked_branch(branch: str) -> str:
    """Return the branch without refs/heads/. Raises Rejected when git would not accept the name."""
    name = branch.removeprefix(_HEADS)
    if len(name) > _MAX_BRANCH or not is_branch_name(name):
        msg = f"branch {branch!r} is not a branch name"
        raise Rejected(msg)
    return name


def is_ref(ref: str) -> bool:
    """Return whether a text is the full name of a ref."""
    return ref.startswith("refs/") and not _BAD_REF.search(ref) and ref.count("/") > 1
