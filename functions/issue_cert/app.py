"""Composition root of issue-cert."""

from functools import partial

from functions.common.adapters.postgres.network import PostgresCertificateLedger, PostgresHostDirectory
from functions.common.events.app import AppCreated, AppDeleted, DomainAdded, DomainRemoved, PreviewClosed, PreviewOpened
from functions.common.events.network import CertificateChanged
from functions.common.platform.core import Core, check_migrations, core
from functions.common.runtime.http import Endpoint, http_target
from functions.common.runtime.subscriber import on, on_type, subscriber
from functions.issue_cert.certificate_service import CertificateService
from functions.issue_cert.handler import handle, handle_changed, handle_deleted, handle_object


def compose(parts: Core) -> Endpoint:
    """Return the endpoint of these parts."""
    service = CertificateService(
        certificates=parts.platform.certificates(),
        hosts=PostgresHostDirectory(database=parts.database, domain=parts.settings.apps.domain),
        ledger=PostgresCertificateLedger(database=parts.database),
        clock=parts.clock,
    )
    sync, changed = partial(handle, service=service), partial(handle_changed, service=service)
    seen = partial(handle_object, read=parts.platform.certificate_reports().changed, changed=changed)
    return subscriber(
        "issue-cert",
        on(AppCreated, sync),
        on(DomainAdded, sync),
        on(DomainRemoved, sync),
        on(PreviewOpened, sync),
        on(PreviewClosed, sync),
        on(AppDeleted, partial(handle_deleted, service=service)),
        on(CertificateChanged, changed),
        on_type("dev.knative.apiserver.resource.update", seen),
        log=parts.log,
        clock=parts.clock,
        token=parts.event_token,
    )


def create() -> Endpoint:
    """Return the endpoint as this process is configured."""
    return compose(core())


issue_cert = http_target(create, check_migrations)
