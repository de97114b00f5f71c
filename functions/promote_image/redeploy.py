"""Releases the newest image again: on request, and when the config, domains or limits of the app change."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from functions.common.domain.environment import PRODUCTION
from functions.common.domain.release import Release, ReleaseKind, ReleaseState
from functions.common.events.app import ConfigChanged, DomainAdded, DomainRemoved
from functions.common.events.base import CURRENT_CAUSE, Event
from functions.common.events.operation import LimitsChanged, RestartRequested
from functions.common.ports.apps import ConfigScope
from functions.common.ports.events import EventSink
from functions.common.ports.releases import Proposal, ReleaseArchive, ReleaseLedger, SupersededProposal
from functions.promote_image.roll_out import RollOut

_RESTART = ReleaseKind.RESTART


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeploy:
    """Begins releases of the newest image with the current config, hosts and limits."""

    ledger: ReleaseLedger
    archive: ReleaseArchive
    roll_out: RollOut
    sink: EventSink

    def config(self, event: ConfigChanged) -> Event | None:
        """Redeploy each environment that takes the changed config and has a release."""
        note = _by(f"config: {', '.join(event.keys)}", event.actor)
        return self._redeploy(event.app, event.environment or PRODUCTION, note)

    def domain(self, event: DomainAdded | DomainRemoved) -> Event | None:
        """Redeploy production with its changed hosts, if it has a release."""
        change = "added" if isinstance(event, DomainAdded) else "removed"
        return self._redeploy(event.app, PRODUCTION, f"domain {event.host} {change}")

    def restart(self, event: RestartRequested) -> Event | None:
        """Replace the processes of one environment by new ones, if it has a release."""
        return self._publish(self._release(event.app, event.environment, _by("restart", event.actor), _RESTART))

    def limits(self, event: LimitsChanged) -> Event | None:
        """Redeploy every environment that has a release with the changed port, CPU and memory."""
        note = _by(f"limits: {', '.join(event.names)}", event.actor)
        found = [name for scope in ConfigScope for name in self.archive.environments(event.app, scope)]
        return self._publish(reply for name in found for reply in self._release(event.app, name, note))

    def _redeploy(self, app: str, scope: str, note: str) -> Event | None:
        found = self.archive.environments(app, scope)
        return self._publish(reply for name in found for reply in self._release(app, name, note))

    def _release(
        self, app: str, environment: str, note: str, kind: ReleaseKind = ReleaseKind.CONFIG
    ) -> Iterator[Event]:
        newest = self.archive.newest(app, environment)
        begun = self.ledger.begin(_proposal(newest, note, kind)) if newest else None
        if begun is not None and not isinstance(begun, SupersededProposal):
            yield self.roll_out(begun)

    def _publish(self, found: Iterable[Event]) -> Event | None:
        replies = list(found)
        for reply in replies[:-1]:
            self.sink.publish(reply)
        return replies[-1] if replies else None


def _by(note: str, actor: str) -> str:
    return f"{note} by {actor}" if actor else note


def _proposal(newest: Release, note: str, kind: ReleaseKind) -> Proposal:
    """Return a proposal of the same image; it takes over the push of a release that has not ended yet."""
    return Proposal(
        cause=f"{CURRENT_CAUSE.get().id}/{newest.environment}",
        app=newest.app,
        environment=newest.environment,
        kind=kind,
        digest=newest.digest,
        image=newest.image,
        processes=newest.processes,
        sha=newest.sha,
        push=newest.push if newest.state is ReleaseState.STARTED else "",
        note=note,
    )
