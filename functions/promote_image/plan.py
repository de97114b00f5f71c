"""What a release asks the deployer for."""

from dataclasses import dataclass

from functions.common.domain.release import Workload
from functions.common.ports.release_ledger import Begun


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How releases go: the domain of default hosts, the path that must answer, the traffic steps in percent."""

    domain: str
    health_path: str = "/"
    steps: tuple[int, ...] = (10, 25, 50, 100)

    def workload(self, begun: Begun) -> Workload:
        """Return what is to run for a release."""
        release = begun.release
        return Workload(
            app=release.app,
            environment=release.environment,
            label=begun.label,
            hosts=(f"{begun.label}.{self.domain}", *begun.custom_domains),
            release=release.number,
            push=release.push,
            sha=release.sha,
            digest=release.digest,
            image=release.image,
            processes=release.processes,
            config=release.config,
            health_path=self.health_path,
            steps=self.steps,
        )
