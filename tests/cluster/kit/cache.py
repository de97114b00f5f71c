"""The folders of the kit: the cache that is kept between runs, and the state of each instance."""

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
DEFAULT_HOME = Path.home() / ".cache" / "slipway-cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """The cache, outside the repository; when it is deleted everything is built again."""

    home: Path

    @property
    def binaries(self) -> Path:
        """Built programs, each beside the stamp of what it was built from."""
        return self.home / "bin"

    @property
    def images(self) -> Path:
        """OCI archives, made from the programs."""
        return self.home / "images"

    @property
    def wheels(self) -> Path:
        """What comes from PyPI rather than from Go."""
        return self.home / "wheels"

    def instance(self, name: str) -> "Instance":
        """Return the folder of a running `api` or `cluster`."""
        return Instance(folder=self.home / "instances" / name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """What one running control plane or cluster owns; `down` removes it whole."""

    folder: Path

    @property
    def certificates(self) -> Path:
        """The authority, and the keys it signed."""
        return self.folder / "certificates"

    @property
    def logs(self) -> Path:
        """One file per program."""
        return self.folder / "logs"

    @property
    def pids(self) -> Path:
        """One file per program that was started, in order of their start."""
        return self.folder / "pids"

    @property
    def kubeconfig(self) -> Path:
        """Credentials of the administrator."""
        return self.folder / "kubeconfig"
