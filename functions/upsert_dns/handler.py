"""Creates, updates and deletes the DNS records of hosts; only records that carry our mark are changed."""

from dataclasses import dataclass

from functions.common.errors import Rejected
from functions.common.events.app import AppCreated, AppDeleted, DomainAdded, DomainRemoved, PreviewClosed, PreviewOpened
from functions.common.events.base import Event
from functions.common.events.network import DnsReady, DnsRefused
from functions.common.ports.events import EventSink
from functions.common.ports.network import DnsAction, DnsRecordLedger, DnsZone, HostDirectory

OneHost = AppCreated | DomainAdded | DomainRemoved | PreviewOpened | PreviewClosed


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Decides by the current state, not by the type of the event: events may arrive late or out of order."""

    zone: DnsZone
    hosts: HostDirectory
    ledger: DnsRecordLedger

    def sync(self, host: str, cause: Event) -> DnsReady | DnsRefused:
        """Create, update or delete the host's record, or say why it must not be changed."""
        owner = self.hosts.owner(host)
        where = {"app": owner or cause.app, "environment": cause.environment, "push": cause.push}
        try:
            action = self._ensure(host, owner) if owner else self._withdraw(host, cause.app)
        except Rejected as refusal:
            if owner:
                self.ledger.record(host, app=owner, state="refused", reason=str(refusal))
            return DnsRefused(**where, host=host, reason=str(refusal))
        return DnsReady(**where, host=host, action=action.value)

    def _ensure(self, host: str, owner: str) -> DnsAction:
        action = self.zone.ensure(host, owner=owner)
        self.ledger.record(host, app=owner, state="ready")
        return action

    def _withdraw(self, host: str, app: str) -> DnsAction:
        action = self.zone.delete(host)
        self.ledger.record(host, app=app, state="deleted")
        return action


def handle(event: OneHost, *, records: Records) -> DnsReady | DnsRefused:
    """Sync the record of the event's host."""
    return records.sync(event.host, event)


def handle_deleted(event: AppDeleted, *, records: Records, sink: EventSink) -> DnsReady | DnsRefused | None:
    """Sync the records of all hosts that the app had; a refused record does not stop the others."""
    outcomes = [records.sync(host, event) for host in event.hosts]
    for outcome in outcomes[:-1]:
        sink.publish(outcome, discriminator=outcome.host)
    return outcomes[-1] if outcomes else None
