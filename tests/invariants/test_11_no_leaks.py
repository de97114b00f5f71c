"""Invariant 11, no leaks: a closed preview leaves no workload, record, certificate or image, even if it
closed while Slipway was down.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from functions.common.adapters.postgres.network import (
    PostgresCertificateLedger,
    PostgresDnsRecordLedger,
    PostgresHostDirectory,
)
from functions.common.events.app import PreviewClosed, PreviewOpened
from functions.issue_cert.certificate_service import CertificateService
from functions.issue_cert.handler import handle as sync_certificate
from functions.upsert_dns.handler import Records
from functions.upsert_dns.handler import handle as sync_record
from tests.functions.promote_image.promoter import Promoter
from tests.functions.reconcile.ticker import Ticker
from tests.world import DOMAIN, REPOSITORY, World, caused_by, digest_of

HOST = f"topic--hello.{DOMAIN}"
LONG_AGO = timedelta(days=15)


class Site:
    """A live preview, and the functions that handle its end."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.ticker = world, Ticker(world)
        self.promoter = Promoter(world, folder / "images")
        hosts = PostgresHostDirectory(database=world.database, domain=DOMAIN)
        self.records = Records(zone=world.zone, hosts=hosts, ledger=PostgresDnsRecordLedger(database=world.database))
        self.service = CertificateService(
            certificates=world.certificates,
            hosts=hosts,
            ledger=PostgresCertificateLedger(database=world.database),
            clock=world.clock,
        )
        self._open()

    def _open(self) -> None:
        world = self.world
        world.app()
        self.promoter.promote(world.push("main-1"))
        world.environment("topic", "topic")
        opened = PreviewOpened(app="hello", environment="topic", branch="topic", host=HOST)
        sync_record(opened, records=self.records)
        sync_certificate(opened, service=self.service)
        not_after = (world.clock.now() + timedelta(days=90)).isoformat()
        world.database.run("update platform.certificates set not_after = :not_after", not_after=not_after)
        sync_certificate(opened, service=self.service)
        self.promoter.promote(world.push("topic-1", environment="topic", branch="topic"))

    def handle_closing(self, *, missed_by: frozenset[str] = frozenset()) -> int:
        """Deliver the events of the preview's end, except to these functions; return how many there were."""
        closed = self.world.sink.of(PreviewClosed)
        self.world.sink.sent.clear()
        for event in closed:
            if "promote-image" not in missed_by:
                with caused_by("closing", "promote-image"):
                    self.promoter.removal.preview(event)
                # What the rollout controller does when a workload is not wanted any more.
                self.world.database.run("delete from platform.workloads where wanted is null")
            if "upsert-dns" not in missed_by:
                sync_record(event, records=self.records)
            if "issue-cert" not in missed_by:
                sync_certificate(event, service=self.service)
        return len(closed)

    def left(self) -> set[str]:
        """Return what is left of the preview."""
        database = self.world.database
        found = {
            "workload": bool(database.run("select 1 from platform.workloads where environment = 'topic'")),
            "record": any(record.host == HOST for record in self.world.zone.owned()),
            "certificate": bool(database.run("select 1 from platform.certificates where host = :host", host=HOST)),
            "image": self.promoter.store.has("local/hello", digest_of("topic-1")),
        }
        return {name for name, is_there in found.items() if is_there}


EVERYTHING = {"workload", "record", "certificate", "image"}


@pytest.fixture
def site(database: str, tmp_path: Path) -> Iterator[Site]:
    site = Site(World(database), tmp_path)
    assert site.left() == EVERYTHING
    yield site
    site.world.database.close()


def state(site: Site) -> str:
    return str(site.world.database.run("select state from environments where name = 'topic'")[0][0])


def test_invariant_11_a_preview_whose_branch_was_deleted_while_slipway_was_down(site: Site) -> None:
    site.ticker.forge.branches[REPOSITORY] = {"main": "main-1", "topic": "topic-1"}
    site.ticker.tick("heads", "previews")
    assert (site.handle_closing(), state(site)) == (0, "open")
    site.ticker.forge.branches[REPOSITORY] = {"main": "main-1"}
    site.ticker.tick("heads", "previews")
    assert (site.handle_closing(), state(site)) == (1, "closed")
    assert site.left() == set()


def test_invariant_11_a_preview_without_a_push_for_two_weeks(site: Site) -> None:
    site.ticker.tick("previews")
    assert site.handle_closing() == 0
    site.world.database.run("update environments set pushed_at = now() - cast(:ago as interval)", ago=LONG_AGO)
    site.ticker.tick("previews")
    assert (site.handle_closing(), state(site)) == (1, "closed")
    assert site.left() == set()
    wanted = site.world.wanted()
    assert wanted is not None
    assert wanted["sha"] == "main-1"


@pytest.mark.parametrize("missed_by", ["promote-image", "upsert-dns", "issue-cert"])
def test_invariant_11_an_event_that_a_function_missed_is_published_again_until_nothing_is_left(
    site: Site, missed_by: str
) -> None:
    site.world.database.run(
        "update environments set state = 'closed', closed_at = now() - interval '1 minute' where name = 'topic'"
    )
    site.ticker.tick("previews")
    assert site.handle_closing(missed_by=frozenset({missed_by})) == 1
    assert site.left() != set()
    site.ticker.tick("previews")
    assert site.handle_closing() == 1
    assert site.left() == set()
    site.ticker.tick("previews")
    assert site.handle_closing() == 0
    assert site.world.database.run("select swept_at is not null from environments where name = 'topic'") == [[True]]


@pytest.mark.parametrize(("missed_by", "table"), [("upsert-dns", "dns_records"), ("issue-cert", "certificates")])
def test_invariant_11_leftovers_that_were_never_recorded_are_found(site: Site, missed_by: str, table: str) -> None:
    site.world.database.run(
        "update environments set state = 'closed', closed_at = now() - interval '1 minute' where name = 'topic'"
    )
    site.world.database.run(f"delete from {table}")  # noqa: S608 - a test's own words
    site.ticker.tick("previews")
    site.handle_closing(missed_by=frozenset({missed_by}))
    assert site.left() != set()
    site.ticker.tick("previews")
    assert site.handle_closing() == 1
    assert site.left() == set()


def test_invariant_11_a_closing_that_could_not_be_published_is_published_later(site: Site) -> None:
    site.world.database.run("update environments set pushed_at = now() - cast(:ago as interval)", ago=LONG_AGO)
    site.world.sink.down = True
    site.ticker.tick("previews")
    site.world.sink.down = False
    assert (site.handle_closing(), state(site)) == (0, "closed")
    site.world.age("environments", "closed_at", timedelta(minutes=1))
    site.ticker.tick("previews")
    assert site.handle_closing() == 1
    assert site.left() == set()


def test_invariant_11_a_reopened_preview_is_kept(site: Site) -> None:
    closed = PreviewClosed(app="hello", environment="topic", branch="topic", host=HOST, reason="late")
    with caused_by("late"):
        site.world.sink.publish(closed)
    site.handle_closing()
    assert site.left() == EVERYTHING
