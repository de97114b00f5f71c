"""Releases the running image again because what surrounds it changed."""

from dataclasses import dataclass

from functions.common.domain.environment import PRODUCTION
from functions.common.domain.release import Release, ReleaseKind, ReleaseState
from functions.common.events.app import ConfigChanged, DomainAdded, DomainRemoved
from functions.common.events.base import CURRENT_CAUSE, Event
from functions.common.ports.events import EventSink
from functions.common.ports.releases import Overtaken, Proposal, ReleaseArchive, ReleaseLedger
from functions.promote_image.roll_out import RollOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Begins releases of kind config: the newest image with the config and hosts as they are now."""

    ledger: ReleaseLedger
    archive: ReleaseArchive
    roll_out: RollOut
    sink: EventSink

    def config(self, event: ConfigChanged) -> Event | None:
        """Release every environment that takes the changed config; with nothing released yet, nothing."""
        note = f"config: {', '.join(event.keys)}" + (f" by {event.actor}" if event.actor else "")
        return self._release(event.app, event.environment or PRODUCTION, note)

    def domain(self, event: DomainAdded | DomainRemoved) -> Event | None:
        """Release production under its changed hosts; with nothing released yet, nothing."""
        change = "added" if isinstance(event, DomainAdded) else "removed"
        return self._release(event.app, PRODUCTION, f"domain {event.host} {change}")

    def _release(self, app: str, scope: str, note: str) -> Event | None:
        replies: list[Event] = []
        for environment in self.archive.environments(app, scope):
            newest = self.archive.newest(app, environment)
            begun = self.ledger.begin(_proposal(newest, note)) if newest else None
            if begun is not None and not isinstance(begun, Overtaken):
                replies.append(self.roll_out(begun))
        for reply in replies[:-1]:
            self.sink.publish(reply)
        return replies[-1] if replies else None


def _proposal(newest: Release, note: str) -> Proposal:
    """Return the same image again; while its own release is on its way, the new one carries that push on."""
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
