"""Bare git repositories of one machine: creation, branch heads, and commit statuses as notes."""

import fcntl
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from functions.common.domain.git_url import CloneUrls, full_name_of, host_key, is_branch_name, owner_and_name, path_at
from functions.common.errors import NotFound, Rejected, Unavailable

_NAME = re.compile(r"^(?:([A-Za-z0-9][A-Za-z0-9_.-]*)/)?([A-Za-z0-9][A-Za-z0-9_.-]*)\Z")
_GIT_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRepositories:
    """Repositories in `folder`/OWNER/NAME.git, served at `base_url` and `ssh_url`; `owner` is the default owner.

    The hooks in `folder`/.hooks send the webhooks of all repositories.
    """

    folder: Path
    base_url: str
    owner: str = "slipway"
    ssh_url: str = ""

    def create(self, name: str, *, webhook_secret: str) -> str:  # noqa: ARG002 - its hook has that of the server
        """Create the repository; see Repositories.

        Raises Rejected for an invalid name, and for the name of a repository with commits: it belongs to another.
        """
        path = self._path(name)
        if not (path / "HEAD").exists():
            self._create(path)
        elif _packed(path) or any(one.is_file() for one in (path / _HEADS).rglob("*")):
            msg = (
                f"there is a repository {name} with commits in it: choose another name, or let an administrator create "
                "the app with its URL"
            )
            raise Rejected(msg)
        return self.clone_urls(name).http

    def admit(self, name: str, username: str) -> None:
        """Do nothing: the git server asks for the role here; see Repositories."""

    def set_webhook(self, name: str, *, webhook_secret: str) -> None:
        """Do nothing: the hook of all repositories has the secret of the git server; see Repositories."""

    def delete(self, name: str) -> None:
        """Delete the repository; see Repositories."""
        path = self._path(name)
        if not path.exists():
            return
        try:
            shutil.rmtree(path)
        except OSError as error:
            msg = f"repository {name} cannot be deleted: {error.strerror}"
            raise Unavailable(msg) from error

    def clone_urls(self, name: str) -> CloneUrls:
        """Return the clone URLs of a repository; see Repositories."""
        path = self._path(name)
        full_name = f"{path.parent.name}/{path.name}"
        ssh = f"{self.ssh_url.rstrip('/')}/{full_name}" if self.ssh_url else ""
        return CloneUrls(http=f"{self.base_url.rstrip('/')}/{full_name}", ssh=ssh)

    def name_of(self, url: str) -> str:
        """Return the name of a repository here, with its owner unless that is the default one; see Repositories."""
        base = f"{self.ssh_url.rstrip('/')}/"
        if self.ssh_url and url.startswith(base):
            url = f"{self.base_url.rstrip('/')}/{url.removeprefix(base)}"
        owner, slash, name = path_at(url, base_url=self.base_url).rpartition("/")
        found = find_repository(self.folder, owner or self.owner, name) if _PART.match(name) else None
        owner, name = (found.parent.name, found.name.removesuffix(".git")) if found else (owner, name)
        return name if owner in {"", self.owner} else f"{owner}{slash}{name}"

    def _create(self, path: Path) -> None:
        draft = path.with_name(f".{path.name}.new")
        settings = {
            "core.hooksPath": str(self.folder / ".hooks"),
            "receive.denyNonFastForwards": "false",
            "receive.advertisePushOptions": "true",
            "http.receivepack": "true",
            "uploadpack.allowAnySHA1InWant": "true",
            "gc.auto": "0",  # a push does not wait for it
        }
        try:
            shutil.rmtree(draft, ignore_errors=True)
            draft.parent.mkdir(parents=True, exist_ok=True)
            _git("init", "--quiet", "--bare", "--initial-branch=main", "--template=", str(draft))
            for key, value in settings.items():
                _git("-C", str(draft), "config", key, value)
            draft.rename(path)
        except (OSError, subprocess.SubprocessError) as error:
            if (path / "HEAD").exists():  # another call has just created it
                return
            msg = f"repository {path.name} cannot be created: {error}"
            raise Unavailable(msg) from error

    def _path(self, name: str) -> Path:
        match = _NAME.match(name.removesuffix(".git"))
        if match is None:
            msg = f"{name!r} is not a valid repository name: use letters, digits, `-`, `_` and `.`"
            raise Rejected(msg)
        return self.folder / (match[1] or self.owner) / f"{match[2]}.git"


def find_repository(folder: Path, owner: str, name: str) -> Path | None:
    """Return the folder of a repository, also when its owner or name is spelled in another case; None without one."""
    path = folder / owner / f"{name}.git"
    if path.is_dir():
        return path
    owners = [one for one in _entries(folder) if one.name.lower() == owner.lower()]
    found = [one for home in owners for one in _entries(home) if one.name.lower() == path.name.lower()]
    return found[0] if len(found) == 1 else None


def _entries(folder: Path) -> list[Path]:
    try:
        return [one for one in folder.iterdir() if not one.name.startswith(".")]
    except OSError:
        return []


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True, timeout=_GIT_SECONDS)


_HEADS = "refs/heads/"
_PART = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
_OWNER_AND_NAME = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHeads:
    """ForgeHeads of the repositories in `folder`/OWNER/NAME.git, served at `base_url`; it reads files, without git."""

    folder: Path
    base_url: str
    owner: str = "slipway"

    def heads(self, clone_url: str) -> dict[str, str] | None:
        """Return branch -> sha; see ForgeHeads."""
        path = self._path(clone_url)
        if path is None or not (path / "HEAD").is_file():
            return None
        found = _packed(path)
        root = path / _HEADS
        for file in root.rglob("*"):
            if file.is_file() and not file.name.endswith(".lock"):
                found[file.relative_to(root).as_posix()] = file.read_text().strip()
        return found

    def head(self, clone_url: str, branch: str) -> str | None:
        """Return the branch's sha; see ForgeHeads."""
        path = self._path(clone_url)
        if path is None or not (path / "HEAD").is_file():
            return None
        if not is_branch_name(branch):  # it becomes part of a path
            return ""
        try:
            return (path / _HEADS / branch).read_text().strip()
        except OSError:  # packed, or missing
            return _packed(path).get(branch, "")

    def _path(self, clone_url: str) -> Path | None:
        parts = full_name_of(clone_url).split("/")
        if host_key(clone_url) != host_key(self.base_url) or not all(map(_PART.match, parts)):
            return None
        if len(parts) not in {1, _OWNER_AND_NAME}:
            return None
        owner, name = (self.owner, parts[0]) if len(parts) == 1 else parts
        return find_repository(self.folder, owner, name)


def _packed(path: Path) -> dict[str, str]:
    try:
        lines = (path / "packed-refs").read_text().splitlines()
    except OSError:
        return {}
    refs = [line.split(" ", 1) for line in lines if line and line[0] not in "#^"]
    return {name.removeprefix(_HEADS): sha for sha, name in refs if name.startswith(_HEADS)}


TIMEOUT_SECONDS = 10
_GIT = ("git", "-c", "user.name=Slipway", "-c", "user.email=slipway@localhost", "-c", "core.hooksPath=/dev/null")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitNotes:
    """CommitStatuses of the repositories in `folder`/OWNER/NAME.git: a git note at each commit, ref `slipway`.

    Users see them with `git fetch origin refs/notes/slipway:refs/notes/slipway` and `git log --notes=slipway`.
    `owner` is the default owner.
    """

    folder: Path
    base_url: str
    owner: str = "slipway"

    def post(self, repository: str, sha: str, *, state: str, description: str, context: str, target_url: str) -> None:
        """Set one line of the commit's note; repositories of other forges are ignored.

        Raises NotFound when the repository has no such commit.
        """
        path = self._path(repository)
        if path is None:
            return
        if _git_notes(path, "cat-file", "-e", f"{sha}^{{commit}}").returncode:
            msg = f"{repository} has no commit {sha}: a forced push removed it, or the repository was created again"
            raise NotFound(msg)
        words = (context, state, description, target_url)
        line = "\t".join(" ".join(word.split()) for word in words).rstrip("\t")
        with _locked(path):
            shown = _git_notes(path, "notes", "--ref=slipway", "show", sha)
            kept = [] if shown.returncode else [note for note in shown.stdout.splitlines() if note]
            lines = sorted([note for note in kept if note.split("\t")[0] != context] + [line])
            if lines == kept:
                return
            added = _git_notes(
                path, "notes", "--ref=slipway", "add", "-f", "-F", "-", sha, text="\n".join(lines) + "\n"
            )
        if added.returncode:
            msg = f"git cannot write a note in {path}: {added.stderr.strip()}"
            raise Unavailable(msg)

    def _path(self, repository: str) -> Path | None:
        found = owner_and_name(repository, base_url=self.base_url, default_owner=self.owner)
        if found is None:
            return None
        return find_repository(self.folder, *found)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lock the notes for one writer: git itself would let the last one win."""
    with (path / "slipway-notes.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _git_notes(path: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [*_GIT, "-C", str(path), *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        msg = f"git does not answer in {path}: {error}"
        raise Unavailable(msg) from error
