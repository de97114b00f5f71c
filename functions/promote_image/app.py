"""Composition root of promote-image."""

from functools import partial

from functions.common.adapters.postgres.builds import PostgresBuiltImages
from functions.common.adapters.postgres.declared import PostgresFirstConfig
from functions.common.adapters.postgres.pushes import PostgresPushLedger
from functions.common.adapters.postgres.releases import (
    PostgresAbandonedImages,
    PostgresReleaseArchive,
    PostgresReleaseLedger,
    PostgresReleaseProgress,
)
from functions.common.adapters.postgres.runs import PostgresRuns
from functions.common.adapters.postgres.scales import PostgresMaintenance, PostgresScales
from functions.common.events.app import AppDeleted, ConfigChanged, DomainAdded, DomainRemoved, PreviewClosed
from functions.common.events.build import ImagePublished
from functions.common.events.operation import (
    DeployRequested,
    LimitsChanged,
    MaintenanceChanged,
    RestartRequested,
    RunCancelled,
    RunRequested,
    ScaleChanged,
    UndeployRequested,
)
from functions.common.events.release import ReleaseFailed, ReleaseLive, RollbackRequested
from functions.common.platform.core import Core, check_migrations, core
from functions.common.ports.deployer import StagedDeployer
from functions.common.ports.pushes import PushLedger
from functions.common.ports.releases import ReleaseArchive
from functions.common.runtime.http import Endpoint, http_target
from functions.common.runtime.subscriber import Route, on, on_type, subscriber, warm_up
from functions.promote_image.declared import Declaring
from functions.promote_image.handler import handle_image
from functions.promote_image.one_off import OneOff
from functions.promote_image.redeploy import Redeploy
from functions.promote_image.release_ended import continue_release, revert, sync_processes
from functions.promote_image.removal import Removal
from functions.promote_image.requests import handle_deploy, handle_maintenance, handle_scale
from functions.promote_image.roll_out import Plan, RollOut
from functions.promote_image.rollback import handle_rollback


def compose(parts: Core) -> Endpoint:
    """Return the endpoint of these parts."""
    database, sink, images, runs = parts.database, parts.sink, parts.platform.image_store(), parts.platform.deployer()
    ledger, archive = PostgresReleaseLedger(database=database), PostgresReleaseArchive(database=database)
    pushes, built = PostgresPushLedger(database=database), PostgresBuiltImages(database=database)
    roll_out, removal = _roll_out(parts, runs, pushes), _removal(parts, runs, pushes)
    redeploy = Redeploy(ledger=ledger, archive=archive, roll_out=roll_out, sink=sink)
    back = partial(handle_rollback, ledger=ledger, archive=archive, images=images, roll_out=roll_out)
    prepared = partial(continue_release, read=parts.platform.workload_reports().prepared, deployer=runs)
    image = partial(handle_image, built=built, ledger=ledger, pushes=pushes, roll_out=roll_out)
    return subscriber(
        "promote-image",
        on(ImagePublished, partial(image, declare=_declaring(parts))),
        on(RollbackRequested, back),
        on(ConfigChanged, redeploy.config),
        on(DomainAdded, redeploy.domain),
        on(DomainRemoved, redeploy.domain),
        on(DeployRequested, partial(handle_deploy, ledger=ledger, roll_out=roll_out)),
        on(UndeployRequested, removal.undeploy),
        on(RestartRequested, redeploy.restart),
        on(LimitsChanged, redeploy.limits),
        *_in_place(parts, archive, runs),
        on(PreviewClosed, removal.preview),
        on(AppDeleted, removal.app),
        on(ReleaseLive, partial(sync_processes, deployer=runs)),
        on(ReleaseFailed, partial(revert, archive=archive, deployer=runs)),
        on_type("dev.knative.apiserver.resource.update", prepared),
        on_type("dev.tekton.event.pipelinerun.successful.v1", warm_up),
        log=parts.log,
        clock=parts.clock,
        token=parts.event_token,
    )


def _declaring(parts: Core) -> Declaring:
    first = PostgresFirstConfig(database=parts.database, cipher=parts.cipher)
    return Declaring(images=parts.platform.declared_images(), config=first)


def _in_place(parts: Core, archive: ReleaseArchive, deployer: StagedDeployer) -> tuple[Route, ...]:
    """Return the routes of what changes no release."""
    database = parts.database
    scales, page = PostgresScales(database=database), PostgresMaintenance(database=database)
    runs = PostgresRuns(database=database)
    one_off = OneOff(runs=runs, inputs=runs, archive=archive, runner=parts.platform.one_off_runner())
    return (
        on(RunRequested, one_off.start),
        on(RunCancelled, one_off.stop),
        on(ScaleChanged, partial(handle_scale, scales=scales, deployer=deployer)),
        on(MaintenanceChanged, partial(handle_maintenance, maintenance=page, deployer=deployer)),
    )


def _removal(parts: Core, runs: StagedDeployer, pushes: PushLedger) -> Removal:
    database = parts.database
    return Removal(
        ledger=PostgresReleaseLedger(database=database),
        deployer=runs,
        pushes=pushes,
        sink=parts.sink,
        abandoned=PostgresAbandonedImages(database=database),
        images=parts.platform.image_store(),
    )


def _roll_out(parts: Core, runs: StagedDeployer, pushes: PushLedger) -> RollOut:
    settings = parts.settings
    releases = settings.releases
    plan = Plan(domain=settings.apps.domain, health_path=releases.health_path, steps=releases.steps)
    progress = PostgresReleaseProgress(database=parts.database)
    return RollOut(deployer=runs, progress=progress, pushes=pushes, sink=parts.sink, plan=plan)


def create() -> Endpoint:
    """Return the endpoint as this process is configured."""
    return compose(core())


promote_image = http_target(create, check_migrations)
