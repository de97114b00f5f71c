"""Leaves nothing of closed environments running, nor images that only they used."""

from dataclasses import dataclass

from functions.common.events.app import AppDeleted, PreviewClosed
from functions.common.ports.deployer import Deployer
from functions.common.ports.events import EventSink
from functions.common.ports.images import ImageStore
from functions.common.ports.pushes import PushLedger
from functions.common.ports.releases import AbandonedImages, ReleaseLedger
from functions.promote_image.roll_out import tell_superseded


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Removes workloads; an open environment keeps its releases, however late the event.

    Those of a deleted app whose name was given again go all the same.
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

    def _remove(self, app: str, environment: str) -> None:
        over = self.ledger.abandon(app, environment)
        self.deployer.remove(app, environment, through=over.through)
        tell_superseded(over.displaced, heir="", pushes=self.pushes, sink=self.sink)
        for reference, digest in self.abandoned.of(app, environment):
            self.images.delete(reference, digest)
