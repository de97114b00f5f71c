"""A deployer in front of another that refuses what the test names, as a cluster does without a kind's CRD."""

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
    """Deployer; `refused` are environments, and `meanwhile` is what happens while it refuses."""

    deployer: Deployer
    refused: set[str] = field(default_factory=set)
    meanwhile: Callable[[], object] = _nothing

    def apply(self, workload: Workload) -> None:
        """Refuse, or pass on."""
        if workload.environment in self.refused:
            self.meanwhile()
            raise Rejected(REASON)
        self.deployer.apply(workload)

    def remove(self, app: str, environment: str, *, through: int) -> None:
        """Pass on."""
        self.deployer.remove(app, environment, through=through)

    def observe(self, app: str, environment: str) -> WorkloadChanged | None:
        """Pass on."""
        return self.deployer.observe(app, environment)
