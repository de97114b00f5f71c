"""A deployer in front of another that refuses chosen environments, as a cluster without a kind's CRD does."""

from collections.abc import Callable
from dataclasses import dataclass, field

from functions.common.domain.release import Workload
from functions.common.errors import Rejected
from functions.common.events.release import WorkloadChanged
from functions.common.ports.deployer import Deployer

REASON = "PATCH /apis/argoproj.io/v1alpha1: is what serves this kind installed?"


def _nothing() -> None:
    pass


@dataclass(slots=True, kw_only=True)
class RefusingDeployer:
    """Deployer; `refused` are environments, `meanwhile` runs during a refusal."""

    deployer: Deployer
    refused: set[str] = field(default_factory=set)
    meanwhile: Callable[[], object] = _nothing

    def apply(self, workload: Workload) -> None:
        """Refuse, or forward."""
        if workload.environment in self.refused:
            self.meanwhile()
            raise Rejected(REASON)
        self.deployer.apply(workload)

    def remove(self, app: str, environment: str, *, through: int) -> None:
        """Forward."""
        self.deployer.remove(app, environment, through=through)

    def observe(self, app: str, environment: str) -> WorkloadChanged | None:
        """Forward."""
        return self.deployer.observe(app, environment)
