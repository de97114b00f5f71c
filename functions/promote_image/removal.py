"""Removes the workloads of closed and undeployed environments, and the images that only closed ones used."""

from dataclasses import dataclass

from functions.common.events.app import AppDeleted, PreviewClosed
from functions.common.events.operation import UndeployRequested
from functions.common.ports.deployer import Deployer
from functions.common.ports.events import EventSink
from functions.common.ports.images import ImageStore
from functions.common.ports.pushes import PushLedger
from functions.common.ports.releases import AbandonedImages, ReleaseLedger
from functions.promote_image.roll_out import publish_superseded


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Removes workloads. An environment that is open (again) keeps its releases, however late the event arrives.

    Releases of a deleted app are removed even if a new app has its name.
    """

    ledger: ReleaseLedger
    deployer: Deployer
    pushes: PushLedger
    sink: EventSink
    abandoned: AbandonedImages
    images: ImageStore

    def preview(self, event: PreviewClosed) -> None:
        """Remove a closed preview."""
        self._remove(event.app, event.environment)

    def app(self, event: AppDeleted) -> None:
        """Remove all environments of a deleted app."""
        for environment in event.environments:
            self._remove(event.app, environment)

    def undeploy(self, event: UndeployRequested) -> None:
        """Remove what runs in an environment that stays open; its images stay, so that it can be deployed again."""
        over = self.ledger.withdraw(event.app, event.environment, through=event.through)
        self.deployer.remove(event.app, event.environment, through=over.through)
        publish_superseded(over.superseded, inherited="", pushes=self.pushes, sink=self.sink)

    def _remove(self, app: str, environment: str) -> None:
        over = self.ledger.abandon(app, environment)
        self.deployer.remove(app, environment, through=over.through)
        publish_superseded(over.superseded, inherited="", pushes=self.pushes, sink=self.sink)
        for reference, digest in self.abandoned.of(app, environment):
            self.images.delete(reference, digest)
