"""Releases the newest image again when the config or the domains of the app change."""

from dataclasses import dataclass

from functions.common.domain.environment import PRODUCTION
from functions.common.domain.release import Release, ReleaseKind, ReleaseState
from functions.common.events.app import ConfigChanged, DomainAdded, DomainRemoved
from functions.common.events.base import CURRENT_CAUSE, Event
from functions.common.ports.events import EventSink
from functions.common.ports.releases import Proposal, ReleaseArchive, ReleaseLedger, SupersededProposal
from functions.promote_image.roll_out import RollOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeploy:
    """Begins releases of kind config: the newest image with the current config and hosts."""

    ledger: ReleaseLedger
    archive: ReleaseArchive
    roll_out: RollOut
    sink: EventSink

    def config(self, event: ConfigChanged) -> Event | None:
        """Redeploy each environment that takes the changed config and has a release."""
        note = f"config: {', '.join(event.keys)}" + (f" by {event.actor}" if event.actor else "")
        return self._redeploy(event.app, event.environment or PRODUCTION, note)

    def domain(self, event: DomainAdded | DomainRemoved) -> Event | None:
        """Redeploy production with its changed hosts, if it has a release."""
        change = "added" if isinstance(event, DomainAdded) else "removed"
        return self._redeploy(event.app, PRODUCTION, f"domain {event.host} {change}")

    def _redeploy(self, app: str, scope: str, note: str) -> Event | None:
        replies: list[Event] = []
        for environment in self.archive.environments(app, scope):
            newest = self.archive.newest(app, environment)
            begun = self.ledger.begin(_proposal(newest, note)) if newest else None
            if begun is not None and not isinstance(begun, SupersededProposal):
                replies.append(self.roll_out(begun))
        for reply in replies[:-1]:
            self.sink.publish(reply)
        return replies[-1] if replies else None


def _proposal(newest: Release, note: str) -> Proposal:
    """Return a proposal of the same image; it takes over the push of a release that has not ended yet."""
    return Proposal(
        cause=f"{CURRENT_CAUSE.get().id}/{newest.environment}",
        app=newest.app,
        environment=newest.environment,
        kind=ReleaseKind.CONFIG,
        digest=newest.digest,
        image=newest.image,
        processes=newest.processes,
        sha=newest.sha,
        push=newest.push if newest.state is ReleaseState.STARTED else "",
        note=note,
    )
