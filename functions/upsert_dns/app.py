"""Composition root of upsert-dns."""

from functools import partial

from functions.common.adapters.postgres.network import PostgresDnsRecordLedger, PostgresHostDirectory
from functions.common.events.app import AppCreated, AppDeleted, DomainAdded, DomainRemoved, PreviewClosed, PreviewOpened
from functions.common.platform.core import Core, check_migrations, core
from functions.common.runtime.http import Endpoint, http_target
from functions.common.runtime.subscriber import on, subscriber
from functions.upsert_dns.handler import Records, handle, handle_deleted


def compose(parts: Core) -> Endpoint:
    """Return the endpoint of these parts."""
    records = Records(
        zone=parts.platform.dns_zone(),
        hosts=PostgresHostDirectory(database=parts.database, domain=parts.settings.apps.domain),
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
        token=parts.event_token,
    )


def create() -> Endpoint:
    """Return the endpoint as this process is configured."""
    return compose(core())


upsert_dns = http_target(create, check_migrations)
