"""Keeps the DNS record of a host what it should be; only records that carry our mark are changed."""

from functions.common.events.app import AppCreated, AppDeleted, DomainAdded, DomainRemoved, PreviewClosed, PreviewOpened
from functions.common.events.network import DnsReady, DnsRefused
from functions.common.ports.event_sink import EventSink
from functions.upsert_dns.records import Records

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
