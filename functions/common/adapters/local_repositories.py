"""Repositories to push to, as bare repositories in a folder of this machine."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from functions.common.errors import Rejected, Unavailable

_NAME = re.compile(r"^(?:([A-Za-z0-9][A-Za-z0-9_.-]*)/)?([A-Za-z0-9][A-Za-z0-9_.-]*)\Z")
_GIT_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRepositories:
    """Repositories in `folder`/OWNER/NAME.git, served at `base_url`; `owner` is that of names without one.

    The hooks in `folder`/.hooks send the webhooks of all of them.
    """

    folder: Path
    base_url: str
    owner: str = "slipway"

    def create(self, name: str) -> str:
        """Make the repository; see Repositories. Raises Rejected for a name that is none."""
        path = self._path(name)
        if not (path / "HEAD").exists():
            self._make(path)
        return f"{self.base_url.rstrip('/')}/{path.parent.name}/{path.name}"

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

    def _make(self, path: Path) -> None:
        draft = path.with_name(f".{path.name}.new")
        settings = {
            "core.hooksPath": str(self.folder / ".hooks"),
            "receive.denyNonFastForwards": "false",
            "http.receivepack": "true",
            "uploadpack.allowAnySHA1InWant": "true",
            "gc.auto": "0",  # a pusher does not wait for housekeeping
        }
        try:
            shutil.rmtree(draft, ignore_errors=True)
            draft.parent.mkdir(parents=True, exist_ok=True)
            _git("init", "--quiet", "--bare", "--initial-branch=main", "--template=", str(draft))
            for key, value in settings.items():
                _git("-C", str(draft), "config", key, value)
            draft.rename(path)
        except (OSError, subprocess.SubprocessError) as error:
            if (path / "HEAD").exists():  # somebody else made it in this moment
                return
            msg = f"repository {path.name} cannot be made: {error}"
            raise Unavailable(msg) from error

    def _path(self, name: str) -> Path:
        match = _NAME.match(name.removesuffix(".git"))
        if match is None:
            msg = f"{name!r} is no repository name: use letters, digits, `-`, `_` and `.`"
            raise Rejected(msg)
        return self.folder / (match[1] or self.owner) / f"{match[2]}.git"


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True, timeout=_GIT_SECONDS)
