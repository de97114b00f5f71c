"""Where the documents are followed: a platform of one machine, or a cluster."""

from dataclasses import dataclass
from typing import Protocol

from tests.cluster.kit.kubectl import Kubectl
from tests.local.pipeline.developer import Developer
from tests.local.pipeline.stage import Stage


class Site(Protocol):
    """A platform, and what a person needs there beside an account."""

    @property
    def stage(self) -> Stage:
        """The platform as it is seen from outside."""
        ...

    @property
    def kubectl(self) -> Kubectl | None:
        """Kubectl as the cluster's administrator; None on one machine."""
        ...

    @property
    def provider(self) -> str:
        """The forge that sends the webhooks."""
        ...

    @property
    def detect_step(self) -> str:
        """The step of a build that finds no Procfile."""
        ...

    @property
    def environment(self) -> dict[str, str]:
        """What the person's terminal has set."""
        ...

    def admit(self, email: str) -> None:
        """Give a new user of the platform an account at its forge."""
        ...

    def push_silently(self, developer: Developer) -> None:
        """Put the newest commit into the repository as if its webhook were lost."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OneMachine:
    """Site over a platform of one machine, which is its own forge."""

    stage: Stage
    kubectl: None = None
    provider: str = "forgejo"
    detect_step: str = "detect"

    @property
    def environment(self) -> dict[str, str]:
        """Nothing; see Site."""
        return {}

    def admit(self, email: str) -> None:
        """Do nothing; see Site."""

    def push_silently(self, developer: Developer) -> None:
        """Push without hooks; see Site."""
        bare = self.stage.home / "git" / "slipway" / f"{developer.app}.git"
        receive = "git -c core.hooksPath=/dev/null receive-pack"
        developer.git("push", "--quiet", f"--receive-pack={receive}", str(bare), "HEAD:refs/heads/main")
