"""issue-cert: one certificate for each wanted host, and none asked for twice."""

from datetime import timedelta

import pytest

from functions.common.adapters.postgres.network import PostgresCertificateLedger, PostgresHostDirectory
from functions.common.events.app import AppCreated, AppDeleted, DomainRemoved
from functions.common.events.network import CertificateChanged, CertificateFailed, CertificateReady
from functions.issue_cert.certificate_service import CertificateService
from functions.issue_cert.handler import handle, handle_changed, handle_deleted
from tests.world import DOMAIN, World

HOST = f"hello.{DOMAIN}"
CREATED = AppCreated(app="hello", environment="production", host=HOST)


@pytest.fixture
def service(world: World) -> CertificateService:
    return CertificateService(
        certificates=world.certificates,
        hosts=PostgresHostDirectory(database=world.database, domain=DOMAIN),
        ledger=PostgresCertificateLedger(database=world.database),
        clock=world.clock,
    )


def known(world: World) -> list[list[str]]:
    return world.database.run("select host, state, reason from certificates")


def asked(world: World) -> list[list[str]]:
    return world.database.run("select host, owner from platform.certificates")


def issue(world: World, days: int = 90) -> str:
    not_after = (world.clock.now() + timedelta(days=days)).isoformat()
    world.database.run("update platform.certificates set not_after = :not_after, reason = ''", not_after=not_after)
    return not_after


def changed(*, ready: bool, not_after: str = "", reason: str = "") -> CertificateChanged:
    return CertificateChanged(host=HOST, ready=ready, not_after=not_after, reason=reason)


def test_a_certificate_is_requested_and_ready_when_the_issuer_reports_it(
    world: World, service: CertificateService
) -> None:
    assert handle(CREATED, service=service) is None
    assert asked(world) == [[HOST, "hello"]]
    not_after = issue(world)
    ready = handle_changed(changed(ready=True, not_after=not_after), service=service)
    assert ready == CertificateReady(app="hello", host=HOST, not_after=not_after)
    assert known(world) == [[HOST, "ready", ""]]


def test_an_existing_certificate_is_ready_at_once(world: World, service: CertificateService) -> None:
    handle(CREATED, service=service)
    not_after = issue(world)
    expected = CertificateReady(app="hello", environment="production", host=HOST, not_after=not_after)
    assert handle(CREATED, service=service) == expected


def test_a_valid_certificate_is_never_requested_again(world: World, service: CertificateService) -> None:
    handle(CREATED, service=service)
    handle_changed(changed(ready=True, not_after=issue(world)), service=service)
    world.database.run("delete from platform.certificates")
    assert isinstance(handle(CREATED, service=service), CertificateReady)
    assert asked(world) == []
    world.clock.turn(timedelta(days=91))
    handle(CREATED, service=service)
    assert asked(world) == [[HOST, "hello"]]


def test_a_failure_is_published_with_its_reason_unless_a_valid_certificate_exists(
    world: World, service: CertificateService
) -> None:
    handle(CREATED, service=service)
    failed = handle_changed(changed(ready=False, reason="the name does not resolve"), service=service)
    assert failed == CertificateFailed(app="hello", host=HOST, reason="the name does not resolve")
    assert known(world) == [[HOST, "failed", "the name does not resolve"]]
    handle_changed(changed(ready=True, not_after=issue(world)), service=service)
    assert handle_changed(changed(ready=False, reason="late"), service=service) is None
    assert known(world) == [[HOST, "ready", ""]]


def test_a_certificate_that_is_being_issued_gives_no_event(world: World, service: CertificateService) -> None:
    handle(CREATED, service=service)
    assert handle_changed(changed(ready=False), service=service) is None
    assert known(world) == []


def test_the_certificate_of_a_host_without_an_app_is_withdrawn(world: World, service: CertificateService) -> None:
    handle(CREATED, service=service)
    handle_changed(changed(ready=True, not_after=issue(world)), service=service)
    handle(DomainRemoved(app="hello", environment="production", host=HOST), service=service)
    assert known(world) == [[HOST, "ready", ""]]
    world.database.run("delete from projects")
    handle_deleted(AppDeleted(app="hello", hosts=(HOST,), environments=()), service=service)
    assert (known(world), asked(world)) == ([[HOST, "deleted", ""]], [])
    assert handle_changed(changed(ready=True), service=service) is None
    assert known(world) == [[HOST, "deleted", ""]]
