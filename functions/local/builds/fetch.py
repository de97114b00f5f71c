"""Fetches the commit of a build with all that is part of it: submodules, and files in Git LFS.

Each URL is checked, and only its protocol is allowed. The platform's credentials are used for the app's own repository
and for others of the same owner on the same host.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from functions.common.adapters.addresses import GitHosts, pinned
from functions.common.domain.git_url import GitUrl, checked_git_url, is_ref, path_at, repository_key, repository_path
from functions.common.errors import Rejected, Unavailable
from functions.local.builds.steps import StepFailed, Steps, succeeds

QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "GIT_LFS_SKIP_SMUDGE": "1"}
# Without credentials: those are in the home folder, and in what a user or the system has configured.
_NO_CREDENTIALS = {"HOME": "/nonexistent", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
GIT = ("git", "-c", "safe.directory=*", "-c", "advice.detachedHead=false", "-c", "init.defaultBranch=main")
# Where a redirect leads is not checked. Hooks and monitors are programs: the platform's own repositories have some.
_GUARDED = ("-c", "http.followRedirects=false", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
# Pointers stay pointers: what they stand for is fetched after the checkout.
_NO_LFS = ("-c", "filter.lfs.smudge=", "-c", "filter.lfs.process=", "-c", "filter.lfs.required=false")
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})
# Nearly always the commit is the newest one. Else the branch has moved on meanwhile, rarely by many.
_DEPTHS = (1, 200, 2**31 - 1)
_FILES, _SUBMODULE = frozenset({"100644", "100755"}), "160000"  # as git has modes
_ALL_REFS = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A ref or commit of a repository; `protocol` is the only one that git may use, `settings` are options of git.

    `is_own`: the platform's credentials may be used. `clone_url` is its URL also where it is read from a folder.
    """

    url: str
    ref: str
    protocol: str
    settings: tuple[str, ...] = ()
    is_own: bool = True
    clone_url: str = ""

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment of git."""
        allowed = {**QUIET, "GIT_ALLOW_PROTOCOL": self.protocol}
        return allowed if self.is_own else {**allowed, **_NO_CREDENTIALS}


def folder_source(folder: str, ref: str, *, clone_url: str = "") -> Source:
    """Return the source of a repository of this machine."""
    return Source(url=folder, ref=_checked(ref), protocol="file", clone_url=clone_url)


def url_source(clone_url: str, ref: str, *, hosts: GitHosts, environment: Mapping[str, str]) -> Source:
    """Return the source at a URL, whose host is connected to under the addresses that were checked. Raises Rejected."""
    url = checked_git_url(clone_url)
    pin = pinned(url, public_addresses(url, hosts=hosts, environment=environment))
    settings = ("-c", f"http.curloptResolve={pin}") if pin else ()
    return Source(url=url.text, ref=_checked(ref), protocol=url.scheme, settings=settings, clone_url=url.text)


def public_addresses(url: GitUrl, *, hosts: GitHosts, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the addresses to connect to, none where a proxy resolves the name in its own network. Raises Rejected."""
    try:
        return hosts.addresses_of(url)
    except Unavailable as error:
        if not _PROXIES & {name.lower() for name, value in environment.items() if value}:
            raise Rejected(str(error)) from error
        return ()


def _checked(ref: str) -> str:
    if not is_ref(ref):
        msg = f"the ref {ref!r} is not one that git accepts"
        raise Rejected(msg)
    return ref


def folder_of(clone_url: str, *, git_url: str, git_folder: Path) -> str:
    """Return the folder, which needs no password, of a repository on this machine; empty for any other."""
    is_http = clone_url.startswith("http") and git_url
    parts = path_at(clone_url, base_url=git_url).split("/") if is_http else []
    if len(parts) != _OWNER_AND_NAME or not all(map(_is_name, parts)):
        return ""
    return str(git_folder / parts[0] / f"{parts[1]}.git")


_OWNER_AND_NAME = 2


def _is_name(part: str) -> bool:
    return part.isascii() and part[:1].isalnum() and part.replace("_", "").replace(".", "").replace("-", "").isalnum()


# Which repositories beside the app's own may be fetched for it, and how.


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the build of an app may fetch from, beside public repositories.

    The app's repository is in `folder`, or at `clone_url` where that is empty. `readable` are the keys of other apps'
    repositories that every person who may push to this app may read; `closed` those that not every one may.
    """

    clone_url: str
    folder: str
    git_url: str
    git_folder: Path
    hosts: GitHosts
    readable: Sequence[str] = ()
    closed: Sequence[str] = ()
    environment: Mapping[str, str] = field(repr=False)

    def app(self, ref: str) -> Source:
        """Return the source of the app itself. Raises Rejected when the platform may not fetch from there."""
        if self.folder:
            return folder_source(self.folder, ref, clone_url=self.clone_url)
        return url_source(self.clone_url, ref, hosts=self.hosts, environment=self.environment)

    def submodule(self, given: str, *, base: str, sha: str) -> Source:
        """Return the source of a submodule whose URL is `given`, in a repository at `base`. Raises Rejected."""
        url = checked_git_url(resolved_url(given, base=base), field="its URL")
        # Over SSH any port is of the host's git server: for an app of a forge on the same host, of that forge's.
        if self.git_url and url.is_at(self.git_url) and (self.folder or url.is_web):
            return self._of_this_machine(url, sha)
        if repository_key(url.text) in self.closed:
            msg = (
                f"{url.text} is the repository of another app, and not every person who may push to this app may read "
                "it: make them collaborators of that app"
            )
            raise Rejected(msg)
        is_own = self._is_of_the_owner(url)
        text = self._in_the_apps_way(url) if is_own else self._without_credentials(url)
        checked = checked_git_url(text, field="its URL")
        pin = pinned(checked, public_addresses(checked, hosts=self.hosts, environment=self.environment))
        settings = ("-c", f"http.curloptResolve={pin}") if pin else ()
        return Source(url=text, ref=sha, protocol=checked.scheme, settings=settings, is_own=is_own, clone_url=text)

    def is_own(self, url: str) -> bool:
        """Return whether a checked URL of a repository is of the host and owner of the app's."""
        return not self.folder and self._is_of_the_owner(checked_git_url(url))

    def _of_this_machine(self, url: GitUrl, sha: str) -> Source:
        web = f"{self.git_url.rstrip('/')}/{repository_path(url.text).strip('/')}"
        folder = folder_of(web, git_url=self.git_url, git_folder=self.git_folder)
        if not folder or not Path(folder).is_dir() or repository_key(web) not in self.readable:
            msg = (
                f"{url.text} is no repository of this machine that every person who may push to this app may read: "
                "check its name, and make them collaborators of the app whose repository it is"
            )
            raise Rejected(msg)
        return Source(url=folder, ref=sha, protocol="file", clone_url=web)

    def _is_of_the_owner(self, url: GitUrl) -> bool:
        own = checked_git_url(self.clone_url)
        same_host = own.host == url.host and (own.port == url.port or not (own.is_web and url.is_web))
        owner = _owner(own.text)
        return same_host and bool(owner) and owner == _owner(url.text)

    def _in_the_apps_way(self, url: GitUrl) -> str:
        """Return the URL of a repository beside the app's by the app's protocol, for which there are credentials."""
        return f"{self.clone_url.rstrip('/').rpartition('/')[0]}/{url.text.rstrip('/').rpartition('/')[2]}"

    def _without_credentials(self, url: GitUrl) -> str:
        """Return a URL that a public repository can be read by: SSH always asks for a key."""
        if url.scheme != "ssh":
            return url.text
        own = checked_git_url(self.clone_url)
        host = f"[{url.host}]" if ":" in url.host else url.host
        root = f"{own.scheme}://{host}:{own.port}" if own.is_web and own.host == url.host else f"https://{host}"
        return f"{root}/{repository_path(url.text).strip('/')}"


def _owner(url: str) -> str:
    """Return the owner in lower case: forges take names in any case."""
    return repository_path(url).strip("/").rpartition("/")[0].lower()


def resolved_url(given: str, *, base: str) -> str:
    """Return the URL of a submodule; ./ and ../ at its start are relative to its repository's. Raises Rejected."""
    if not given.startswith(("./", "../")):
        return given
    start = base.rstrip("/")
    while given.startswith(("./", "../")):
        if given.startswith("../"):
            start, slash, _ = start.rpartition("/")
            if not slash or start.endswith(("/", ":")):
                msg = f"its URL {given!r} leads out of the host of its repository"
                raise Rejected(msg)
        given = given.partition("/")[2]
    return f"{start}/{given}"


# git.


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The paths of a commit's files, without links, and the commit of each folder that is another repository's."""

    files: tuple[str, ...]
    submodules: Mapping[str, str]


def fetch(steps: Steps, source: Source, *, sha: str, folder: Path) -> Tree:
    """Put the files of one commit of the ref into a new folder, with .git. Raises StepFailed."""
    branch = source.ref.removeprefix("refs/heads/")
    with steps.step("fetch", f"Fetching commit {sha[:12]} of {branch}"):
        _git(steps, [*GIT, "init", "--quiet", folder], folder.parent, "is git installed?", source.variables)
        for depth in _DEPTHS:
            _fetch_ref(steps, source, folder, depth=depth)
            if _is_on_branch(steps, sha, folder):
                break
        else:
            msg = f"commit {sha} is not on {branch}: was it replaced by a force push? Push again"
            raise Rejected(msg)
        return _checkout(steps, source, sha, folder)


def fetch_commit(steps: Steps, source: Source, *, what: str, folder: Path) -> Tree:
    """Put the files of the commit `source.ref` into a folder, with .git; `what` names it. Raises StepFailed, Rejected.

    Not each server gives out a commit by its name; of the others the branches and tags are fetched.
    """
    _git(steps, [*GIT, "init", "--quiet", folder], folder.parent, "see the lines above", source.variables)
    argv = [*GIT, *_GUARDED, *source.settings, "fetch", "--quiet"]
    try:
        one = [*argv, "--no-tags", "--depth=1", "--", source.url, source.ref]
        _git(steps, one, folder, "its branches are tried", source.variables)
    except StepFailed:
        how = (
            "check its URL, and that the platform may read it"
            if source.is_own
            else "it is not of the app's own owner, so it is fetched without credentials: is it public?"
        )
        _git(steps, [*argv, "--", source.url, *_ALL_REFS], folder, f"{what} cannot be read: {how}", source.variables)
    if not succeeds([*GIT, "cat-file", "-e", f"{source.ref}^{{commit}}"], folder=folder, environment=steps.environment):
        msg = f"{what} has no commit {source.ref} on a branch or tag: was it pushed? Push it, or update the submodule"
        raise Rejected(msg)
    return _checkout(steps, source, source.ref, folder)


def read_git(steps: Steps, words: Sequence[str], *, folder: Path, given: bytes = b"") -> bytes:
    """Return what git prints about a repository that was fetched, by no configuration but its own. Raises Rejected."""
    environment = {**steps.environment, **QUIET, **_NO_CREDENTIALS, "GIT_ATTR_NOSYSTEM": "1"}
    done = subprocess.run(
        [*GIT, *_GUARDED, *words], cwd=folder, env=environment, input=given, capture_output=True, check=False
    )
    if done.returncode:
        msg = f"git {words[0]} fails: {done.stderr.decode(errors='replace').strip()[-200:]}"
        raise Rejected(msg)
    return done.stdout


def check_place(folder: Path, path: str) -> None:
    """Raise Rejected when a path in a folder that was fetched leads through a link."""
    if (folder / path).parent.resolve() / Path(path).name != folder.resolve() / path or (folder / path).is_symlink():
        msg = f"{path} leads through a link"
        raise Rejected(msg)


def remove_git(folder: Path) -> None:
    """Remove .git of a folder: no build sees it."""
    shutil.rmtree(folder / ".git")


def _fetch_ref(steps: Steps, source: Source, folder: Path, *, depth: int) -> None:
    argv = [*GIT, *_GUARDED, *source.settings, "fetch", "--quiet", "--no-tags"]
    what = ["--", source.url, source.ref]
    remedy = "the repository cannot be read; check its URL, its branch, and that the platform may read it"
    try:
        _git(steps, [*argv, f"--depth={depth}", *what], folder, remedy, source.variables)
    except StepFailed:  # a server of plain files has no part of a history
        _git(steps, [*argv, *what], folder, remedy, source.variables)


def _checkout(steps: Steps, source: Source, sha: str, folder: Path) -> Tree:
    argv = [*GIT, *_GUARDED, *_NO_LFS, "checkout", "--quiet", "--detach", sha]
    _git(steps, argv, folder, "see the lines above", source.variables)
    listed = read_git(steps, ["ls-tree", "-r", "-z", sha], folder=folder).decode(errors="surrogateescape")
    entries = [(*one.partition("\t")[0].split(" "), one.partition("\t")[2]) for one in listed.split("\0") if one]
    return Tree(
        files=tuple(path for mode, _, _, path in entries if mode in _FILES),
        submodules={path: commit for mode, _, commit, path in entries if mode == _SUBMODULE},
    )


def _git(steps: Steps, argv: Sequence[str | Path], folder: Path, remedy: str, variables: Mapping[str, str]) -> None:
    """Run git without isolation: it runs no code of the app, and needs what only the platform may read."""
    steps.run(argv, folder=folder, remedy=remedy, extra=variables, confined=False)


def _is_on_branch(steps: Steps, sha: str, folder: Path) -> bool:
    question = [*GIT, "merge-base", "--is-ancestor", sha, "FETCH_HEAD"]
    return succeeds(question, folder=folder, environment=steps.environment)
