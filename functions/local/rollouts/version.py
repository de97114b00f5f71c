"""One release of one environment on this machine, and how far it has come."""

from dataclasses import dataclass
from enum import StrEnum

from functions.common.domain.release import Workload


class Stage(StrEnum):
    """In this order; `FAILED` may follow the first three, and with `STOPPED` is final."""

    RELEASING = "releasing"
    STARTING = "starting"
    SHIFTING = "shifting"
    LIVE = "live"
    DRAINING = "draining"
    FAILED = "failed"
    STOPPED = "stopped"


UNPROVEN = frozenset({Stage.RELEASING, Stage.STARTING, Stage.SHIFTING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """`slot` is one of Caddy's two upstreams of the environment, `weight` its share in percent."""

    app: str
    environment: str
    release: int
    workload: Workload
    stage: Stage
    slot: str = ""
    port: int = 0
    weight: int = 0

    @property
    def key(self) -> tuple[str, str, int]:
        """What it is known by."""
        return (self.app, self.environment, self.release)

    def program(self, process: str) -> str:
        """Return the name of a process type's program under the process manager."""
        return f"app.{self.app}.{self.environment}.{self.release}.{process}"

    @property
    def host(self) -> str:
        """The host that a health check asks for."""
        return self.workload.hosts[0] if self.workload.hosts else "localhost"

    @property
    def upstream(self) -> str:
        """Where its web process listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def lasting(self) -> tuple[str, ...]:
        """The process types that run as long as the version is live, `web` first."""
        others = sorted(name for name in self.workload.processes if name not in {"web", "release"})
        return (*(["web"] if "web" in self.workload.processes else []), *others)
