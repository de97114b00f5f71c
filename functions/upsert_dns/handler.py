"""Makes DNS records what they should be."""

from dataclasses import dataclass

from functions.common.errors import Rejected
from functions.common.events.app import AppCreated, AppDeleted, DomainAdded, DomainRemoved, PreviewClosed, PreviewOpened
from functions.common.events.base import Event
from functions.common.events.network import DnsReady, DnsRefused
from functions.common.ports.events import EventSink
from functions.common.ports.network import DnsAction, DnsZone, HostDirectory, RecordLedger

# Makes one DNS record what it should be.


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Decides by what is wanted now, not by which event came: events may be late or out of order."""

    zone: DnsZone
    hosts: HostDirectory
    ledger: RecordLedger

    def settle(self, host: str, cause: Event) -> DnsReady | DnsRefused:
        """Create, update or delete the host's record, or say why it is not ours to change."""
        owner = self.hosts.owner(host)
        where = {"app": owner or cause.app, "environment": cause.environment, "push": cause.push}
        try:
            action = self._ensure(host, owner) if owner else self._withdraw(host, cause.app)
        except Rejected as refusal:
            if owner:
                self.ledger.note(host, app=owner, state="refused", reason=str(refusal))
            return DnsRefused(**where, host=host, reason=str(refusal))
        return DnsReady(**where, host=host, action=action.value)

    def _ensure(self, host: str, owner: str) -> DnsAction:
        action = self.zone.ensure(host, owner=owner)
        self.ledger.note(host, app=owner, state="ready")
        return action

    def _withdraw(self, host: str, app: str) -> DnsAction:
        action = self.zone.withdraw(host, owner=app)
        self.ledger.note(host, app=app, state="deleted")
        return action


# Keeps the DNS record of a host what it should be; only records that carry our mark are changed.

OneHost = AppCreated | DomainAdded | DomainRemoved | PreviewOpened | PreviewClosed


def handle(event: OneHost, *, records: Records) -> DnsReady | DnsRefused:
    """Settle the record of the event's host."""
    return records.settle(event.host, event)


def handle_deleted(event: AppDeleted, *, records: Records, sink: EventSink) -> DnsReady | DnsRefused | None:
    """Settle the records of all that the app had; a refused one does not keep the others."""
    outcomes = [records.settle(host, event) for host in event.hosts]
    for outcome in outcomes[:-1]:
        sink.publish(outcome, discriminator=outcome.host)
    return outcomes[-1] if outcomes else None
