"""reconcile on a test's platform."""

from datetime import timedelta

from functions.common.adapters.local.deployer import NoReleaseLimits
from functions.common.adapters.postgres.deliveries import PostgresDeliveries
from functions.common.adapters.postgres.environments import PostgresPreviewSweeper, PostgresStalePreviews
from functions.common.adapters.postgres.events import PostgresEventOutbox
from functions.common.adapters.postgres.forge import PostgresBranchPushes, PostgresHeadRecords
from functions.common.adapters.postgres.images import PostgresImageRetention
from functions.common.adapters.postgres.network import PostgresHostCheck
from functions.common.adapters.postgres.pushes import PostgresStuckPushes
from functions.common.adapters.postgres.releases import (
    PostgresReleaseArchive,
    PostgresReleaseProgress,
    PostgresStuckReleases,
)
from functions.common.adapters.postgres.tick_lock import PostgresTickLock
from functions.common.adapters.postgres.workloads import PostgresStrayFinder
from functions.common.events.envelope import Envelope
from functions.reconcile.deadline import Deadline
from functions.reconcile.handler import Step, handle
from functions.reconcile.heads import Heads
from functions.reconcile.images import Images
from functions.reconcile.network import Network
from functions.reconcile.outbox import Outbox
from functions.reconcile.previews import Previews, StrayWorkloads
from functions.reconcile.recover import RecoverPushes, RecoverReleases
from tests.fakes.forge_heads import FakeForgeHeads
from tests.fakes.image_store import FakeImageStore
from tests.world import DOMAIN, World, caused_by

LOCK = 1
TICK = Envelope(id="tick", source="/ping", type="dev.knative.sources.ping", subject="", time="", data={})


class Ticker:
    """The steps with their real ports, and a forge whose branches the test sets."""

    def __init__(self, world: World) -> None:
        self.world, self.forge, self.images, self.ticks = world, FakeForgeHeads(), FakeImageStore(), 0
        database, sink = world.database, world.sink
        deadline = Deadline(
            limit=timedelta(hours=1),
            pushes=world.pushes,
            builder=world.builder,
            archive=PostgresReleaseArchive(database=database),
            progress=PostgresReleaseProgress(database=database),
            sink=sink,
        )
        self.steps: dict[str, Step] = {
            "deliveries": Outbox(outbox=PostgresDeliveries(database=database), sink=sink),
            "events": Outbox(outbox=PostgresEventOutbox(database=database), sink=sink),
            "stuck": RecoverPushes(
                stuck=PostgresStuckPushes(database=database),
                log=world.log,
                sink=sink,
                builder=world.builder,
                deployer=world.deployer,
                limits=NoReleaseLimits(),
                deadline=deadline,
            ),
            "releases": RecoverReleases(
                stuck=PostgresStuckReleases(database=database),
                log=world.log,
                sink=sink,
                deployer=world.deployer,
                limits=NoReleaseLimits(),
                deadline=deadline,
            ),
            "heads": Heads(
                memory=PostgresHeadRecords(database=database),
                pushes=PostgresBranchPushes(database=database),
                forge=self.forge,
                sink=sink,
            ),
            "previews": Previews(
                keeper=PostgresStalePreviews(database=database),
                sweeper=PostgresPreviewSweeper(database=database),
                deployer=world.deployer,
                zone=world.zone,
                certificates=world.certificates,
                sink=sink,
                domain=DOMAIN,
                max_age=timedelta(days=14),
            ),
            "strays": StrayWorkloads(
                workloads=world.deployer, strays=PostgresStrayFinder(database=database), sink=sink
            ),
            "network": Network(
                watch=PostgresHostCheck(database=database, domain=DOMAIN), certificates=world.certificates, sink=sink
            ),
            "images": Images(retention=PostgresImageRetention(database=database), store=self.images, keep=2),
        }

    def tick(self, *names: str) -> list[Envelope]:
        """Run these steps (none named: all) and return what was sent by them."""
        before, self.ticks = len(self.world.sink.sent), self.ticks + 1
        steps = {name: step for name, step in self.steps.items() if not names or name in names}
        with caused_by(f"tick-{self.ticks}", "reconcile"):
            handle(TICK, lock=PostgresTickLock(database=self.world.database, number=LOCK), steps=steps)
        return self.world.sink.sent[before:]
