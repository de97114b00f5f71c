"""Branch heads of bare repositories of this machine, read from their files: no process is started."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_HEADS = "refs/heads/"


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHeads:
    """ForgeHeads for the repositories in `folder`/OWNER/NAME.git that are served at `base_url`."""

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
        try:
            return (path / _HEADS / branch).read_text().strip()
        except OSError:  # packed, or not there
            return _packed(path).get(branch, "")

    def _path(self, clone_url: str) -> Path | None:
        url, base = urlsplit(clone_url), urlsplit(self.base_url)
        parts = url.path.strip("/").removesuffix(".git").split("/")
        if (url.hostname, url.port) != (base.hostname, base.port) or ".." in parts or len(parts) not in {1, 2}:
            return None
        owner, name = (self.owner, parts[0]) if len(parts) == 1 else parts
        return self.folder / owner / f"{name}.git"


def _packed(path: Path) -> dict[str, str]:
    try:
        lines = (path / "packed-refs").read_text().splitlines()
    except OSError:
        return {}
    refs = [line.split(" ", 1) for line in lines if line and line[0] not in "#^"]
    return {name.removeprefix(_HEADS): sha for sha, name in refs if name.startswith(_HEADS)}
