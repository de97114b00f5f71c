"""Which hosts lead to which environment, and which may have a certificate, as names that Caddy looks up."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_DRAFT = ".draft"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFiles:
    """`hosts`/HOST leads to an environment's folder of traffic; `certified`/HOST is an empty file.

    `issued`/HOST is where Caddy keeps a certificate with its key; that of the host `kept` is Caddy's own.
    """

    hosts: Path
    certified: Path
    issued: Path
    kept: str

    def lead(self, wanted: Mapping[str, Path]) -> None:
        """Let exactly these hosts lead to these folders."""
        self.hosts.mkdir(parents=True, exist_ok=True)
        for name in _names(self.hosts) - wanted.keys():
            (self.hosts / name).unlink()
        for host, folder in wanted.items():
            folder.mkdir(parents=True, exist_ok=True)  # empty: no version runs there yet
            link = self.hosts / host
            if link.is_symlink() and link.readlink() == folder:
                continue
            draft = self.hosts / _DRAFT
            draft.unlink(missing_ok=True)
            draft.symlink_to(folder)
            draft.rename(link)

    def certify(self, wanted: set[str]) -> None:
        """Let exactly these hosts have certificates, and keep no key of another."""
        self.certified.mkdir(parents=True, exist_ok=True)
        known = _names(self.certified)
        for name in known - wanted:
            (self.certified / name).unlink()
        for host in wanted - known:
            (self.certified / host).touch()
        for name in _names(self.issued) - wanted - {self.kept} if self.issued.is_dir() else ():
            shutil.rmtree(self.issued / name, ignore_errors=True)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != _DRAFT}
