"""Composition root of upsert-dns."""

from functools import partial

from functions.common.adapters.postgres.network import PostgresDnsRecordLedger, PostgresHostDirectory
from functions.common.events.app import AppCreated, AppDeleted, DomainAdded, DomainRemoved, PreviewClosed, PreviewOpened
from functions.common.runtime.http import Endpoint, http_target
from functions.common.runtime.subscriber import on, subscriber
from functions.common.wiring.core import Core, core
from functions.common.wiring.platform import dns_zone
from functions.upsert_dns.handler import Records, handle, handle_deleted


def compose(parts: Core) -> Endpoint:
    """Return the endpoint of these parts."""
    records = Records(
        zone=dns_zone(parts),
        hosts=PostgresHostDirectory(database=parts.database, domain=parts.settings.default_domain),
        ledger=PostgresDnsRecordLedger(database=parts.database),
    )
    sync = partial(handle, records=records)
    return subscriber(
        "upsert-dns",
        on(AppCreated, sync),
        on(DomainAdded, sync),
        on(DomainRemoved, sync),
        on(PreviewOpened, sync),
        on(PreviewClosed, sync),
        on(AppDeleted, partial(handle_deleted, records=records, sink=parts.sink)),
        log=parts.log,
        clock=parts.clock,
    )


def create() -> Endpoint:
    """Return the endpoint as this process is configured."""
    return compose(core())


upsert_dns = http_target(create)
