"""Fetches the commit of a build: from the URL that was checked, by the protocol of that URL, and on its branch."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from functions.common.adapters.addresses import GitHosts, pinned
from functions.common.domain.git_url import checked_git_url, is_ref
from functions.common.errors import Rejected, Unavailable
from functions.local.builds.steps import StepFailed, Steps, succeeds

_QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "GIT_LFS_SKIP_SMUDGE": "1"}
_GIT = ("git", "-c", "safe.directory=*", "-c", "advice.detachedHead=false", "-c", "init.defaultBranch=main")
# Where a redirect leads is not checked. Hooks and monitors are programs: the platform's own repositories have some.
_GUARDED = ("-c", "http.followRedirects=false", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})
# Nearly always the commit is the newest one. Else the branch has moved on meanwhile, rarely by many.
_DEPTHS = (1, 200, 2**31 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A ref of a repository; `protocol` is the only one that git may use, `settings` are options of git."""

    url: str
    ref: str
    protocol: str
    settings: tuple[str, ...] = ()


def folder_source(folder: str, ref: str) -> Source:
    """Return the source of a repository of this machine."""
    return Source(url=folder, ref=_checked(ref), protocol="file")


def url_source(clone_url: str, ref: str, *, hosts: GitHosts, environment: Mapping[str, str]) -> Source:
    """Return the source at a URL, whose host is connected to under the addresses that were checked. Raises Rejected."""
    url = checked_git_url(clone_url)
    try:
        addresses = hosts.addresses_of(url)
    except Unavailable as error:
        if not _PROXIES & {name.lower() for name, value in environment.items() if value}:
            raise Rejected(str(error)) from error
        addresses = ()  # a proxy resolves the name, in its own network
    pin = pinned(url, addresses)
    settings = ("-c", f"http.curloptResolve={pin}") if pin else ()
    return Source(url=url.text, ref=_checked(ref), protocol=url.scheme, settings=settings)


def _checked(ref: str) -> str:
    if not is_ref(ref):
        msg = f"the ref {ref!r} is not one that git accepts"
        raise Rejected(msg)
    return ref


def fetch(steps: Steps, source: Source, *, sha: str, folder: Path) -> None:
    """Put the files of one commit of the ref, without .git, into a new folder. Raises StepFailed."""
    branch = source.ref.removeprefix("refs/heads/")
    quiet = {**_QUIET, "GIT_ALLOW_PROTOCOL": source.protocol}
    with steps.step("fetch", f"Fetching commit {sha[:12]} of {branch}"):
        _git(steps, [*_GIT, "init", "--quiet", folder], folder.parent, "is git installed?", quiet)
        for depth in _DEPTHS:
            _fetch(steps, source, folder, depth=depth, quiet=quiet)
            if _is_on_branch(steps, sha, folder):
                break
        else:
            msg = f"commit {sha} is not on {branch}: was it replaced by a force push? Push again"
            raise Rejected(msg)
        checkout = [*_GIT, *_GUARDED, "checkout", "--quiet", "--detach", sha]
        _git(steps, checkout, folder, "see the lines above", quiet)
        shutil.rmtree(folder / ".git")


def _fetch(steps: Steps, source: Source, folder: Path, *, depth: int, quiet: Mapping[str, str]) -> None:
    argv = [*_GIT, *_GUARDED, *source.settings, "fetch", "--quiet", "--no-tags"]
    what = ["--", source.url, source.ref]
    remedy = "the repository cannot be read; check its URL, its branch, and that the platform may read it"
    try:
        _git(steps, [*argv, f"--depth={depth}", *what], folder, remedy, quiet)
    except StepFailed:  # a server of plain files has no part of a history
        _git(steps, [*argv, *what], folder, remedy, quiet)


def _git(steps: Steps, argv: Sequence[str | Path], folder: Path, remedy: str, variables: Mapping[str, str]) -> None:
    """Run git without isolation: it runs no code of the app, and needs what only the platform may read."""
    steps.run(argv, folder=folder, remedy=remedy, extra=variables, confined=False)


def _is_on_branch(steps: Steps, sha: str, folder: Path) -> bool:
    question = [*_GIT, "merge-base", "--is-ancestor", sha, "FETCH_HEAD"]
    return succeeds(question, folder=folder, environment=steps.environment)
