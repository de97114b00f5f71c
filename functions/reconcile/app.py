"""Composition root of reconcile."""

from datetime import timedelta
from functools import partial

from functions.common.adapters.dns.txt_records import DnsTxtRecords
from functions.common.adapters.postgres.deliveries import PostgresDeliveries
from functions.common.adapters.postgres.domains import PostgresDomainClaims, PostgresDomains
from functions.common.adapters.postgres.environments import PostgresPreviewSweeper, PostgresStalePreviews
from functions.common.adapters.postgres.events import PostgresChanges, PostgresEventOutbox
from functions.common.adapters.postgres.forge import PostgresBranchPushes, PostgresHeadRecords
from functions.common.adapters.postgres.forge_accounts import PostgresForgeAccountRecords
from functions.common.adapters.postgres.network import PostgresHostCheck
from functions.common.adapters.postgres.pushes import PostgresPushLedger, PostgresStuckPushes
from functions.common.adapters.postgres.releases import (
    PostgresReleaseArchive,
    PostgresReleaseProgress,
    PostgresStuckReleases,
)
from functions.common.adapters.postgres.retention import PostgresRetention
from functions.common.adapters.postgres.tick_lock import PostgresTickLock
from functions.common.adapters.postgres.workloads import PostgresStrayFinder
from functions.common.events.app import AccountChanged, AppCreated
from functions.common.platform import forge
from functions.common.platform.core import Core, check_migrations, core
from functions.common.ports.retention import RecordKind
from functions.common.runtime.http import Endpoint, http_target
from functions.common.runtime.subscriber import on, on_type, subscriber
from functions.reconcile.accounts import Accounts, sync_accounts
from functions.reconcile.deadline import Deadline
from functions.reconcile.domains import ProvenDomains
from functions.reconcile.handler import Step, handle
from functions.reconcile.heads import Heads
from functions.reconcile.images import Images
from functions.reconcile.network import Network
from functions.reconcile.outbox import Outbox
from functions.reconcile.previews import Previews, StrayWorkloads
from functions.reconcile.recover import RecoverPushes, RecoverReleases
from functions.reconcile.retention import OldRecords

LOCK = 5_920_118_364  # any number, the same for every reconcile


def work_steps(parts: Core) -> dict[str, Step]:
    """Return the steps that recover events, pushes and releases."""
    database, sink, platform = parts.database, parts.sink, parts.platform
    deadline = Deadline(
        limit=timedelta(seconds=parts.settings.limits.push_deadline),
        pushes=PostgresPushLedger(database=database),
        builder=platform.builder(),
        archive=PostgresReleaseArchive(database=database),
        progress=PostgresReleaseProgress(database=database),
        sink=sink,
    )
    return {
        "deliveries": Outbox(outbox=PostgresDeliveries(database=database), sink=sink),
        "events": Outbox(outbox=PostgresEventOutbox(database=database), sink=sink),
        "stuck": RecoverPushes(
            stuck=PostgresStuckPushes(database=database),
            log=parts.log,
            sink=sink,
            builder=deadline.builder,
            deployer=platform.deployer(),
            limits=platform.release_limits(),
            deadline=deadline,
        ),
        "releases": RecoverReleases(
            stuck=PostgresStuckReleases(database=database),
            log=parts.log,
            sink=sink,
            deployer=platform.deployer(),
            limits=platform.release_limits(),
            deadline=deadline,
        ),
    }


def world_steps(parts: Core) -> dict[str, Step]:
    """Return the steps that compare forges, previews and images with the state."""
    database, sink, platform = parts.database, parts.sink, parts.platform
    domain, limits = parts.settings.apps.domain, parts.settings.limits
    return {
        "heads": Heads(
            memory=PostgresHeadRecords(database=database),
            pushes=PostgresBranchPushes(database=database),
            forge=platform.forge_heads(),
            sink=sink,
        ),
        "previews": Previews(
            keeper=PostgresStalePreviews(database=database),
            sweeper=PostgresPreviewSweeper(database=database),
            deployer=platform.deployer(),
            zone=platform.dns_zone(),
            certificates=platform.certificates(),
            sink=sink,
            domain=domain,
            max_age=timedelta(days=limits.preview_days),
        ),
        "strays": StrayWorkloads(
            workloads=platform.running_workloads(), strays=PostgresStrayFinder(database=database), sink=sink
        ),
        "images": Images(retention=platform.image_retention(), store=platform.image_store(), keep=limits.releases),
    }


def host_steps(parts: Core) -> dict[str, Step]:
    """Return the steps that compare records, certificates and proofs of hosts with the state."""
    database, sink = parts.database, parts.sink
    return {
        "network": Network(
            watch=PostgresHostCheck(database=database, domain=parts.settings.apps.domain),
            certificates=parts.platform.certificates(),
            sink=sink,
        ),
        "domains": ProvenDomains(
            claims=PostgresDomainClaims(database=database),
            domains=PostgresDomains(database=database),
            records=DnsTxtRecords(servers=parts.settings.domains.resolvers),
            changes=PostgresChanges(database=database, log=parts.log, sink=sink, clock=parts.clock),
        ),
    }


def old_records(parts: Core) -> OldRecords:
    """Return the step that deletes old records."""
    limits = parts.settings.limits
    days = {
        RecordKind.AUDIT: limits.audit_days,
        RecordKind.EVENTS: limits.event_days,
        RecordKind.REJECTIONS: limits.event_days,
        RecordKind.RUNS: limits.event_days,
        RecordKind.TOKENS: limits.event_days,
        RecordKind.DELIVERIES: limits.delivery_days,
        RecordKind.BODIES: limits.body_days,
        RecordKind.DEAD_LETTERS: limits.letter_days,
    }
    ages = {kind: timedelta(days=count) for kind, count in days.items()}
    return OldRecords(
        retention=PostgresRetention(database=parts.database), ages={**ages, RecordKind.RATES: timedelta(minutes=1)}
    )


def compose(parts: Core) -> Endpoint:
    """Return the endpoint of these parts."""
    lock, found = PostgresTickLock(database=parts.database, number=LOCK), forge.accounts(parts.settings)
    records = PostgresForgeAccountRecords(database=parts.database)
    accounts = Accounts(records=records, forge=found) if found else None
    synced: dict[str, Step] = {"accounts": accounts} if accounts else {}
    steps = {**work_steps(parts), **synced, **world_steps(parts), **host_steps(parts), "old": old_records(parts)}
    routes = (
        on_type("dev.knative.sources.ping", partial(handle, lock=lock, steps=steps)),
        on(AccountChanged, partial(sync_accounts, accounts=accounts)),
        on(AppCreated, partial(sync_accounts, accounts=accounts)),
    )
    return subscriber("reconcile", *routes, log=parts.log, clock=parts.clock, token=parts.event_token)


def create() -> Endpoint:
    """Return the endpoint as this process is configured."""
    return compose(core())


reconcile = http_target(create, check_migrations)
