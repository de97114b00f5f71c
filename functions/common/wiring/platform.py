"""What runs builds and releases, names hosts and certifies them, by SLIPWAY_PLATFORM."""

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from functions.common.settings import SettingError
from functions.common.wiring.core import Core

if TYPE_CHECKING:  # a function uses one or two of them, and each costs the others' cold start
    from functions.common.ports.builds import Builder
    from functions.common.ports.deployer import RunningWorkloads, StagedDeployer
    from functions.common.ports.forge import CommitStatuses, ForgeHeads, Repositories
    from functions.common.ports.images import ImageRetention, ImageStore
    from functions.common.ports.logs import BuildLogs, RuntimeLogs
    from functions.common.ports.network import Certificates, DnsZone
    from functions.common.ports.releases import ReleaseLimits

LOCAL, KUBERNETES = "local", "kubernetes"


def builder(core: Core) -> "Builder":
    """Return what builds images."""
    if _is_cluster(core):
        from functions.common.wiring import cluster  # noqa: PLC0415 - imported when chosen

        return cluster.builder(core.settings)
    from functions.common.adapters.local.builder import LocalBuilder  # noqa: PLC0415 - imported when chosen

    return LocalBuilder(database=core.database)


def image_store(core: Core) -> "ImageStore":
    """Return where images are kept."""
    if _is_cluster(core):
        from functions.common.wiring import cluster  # noqa: PLC0415 - imported when chosen

        return cluster.image_store(core.settings)
    from functions.common.adapters.local.images import LocalImageStore  # noqa: PLC0415 - as above

    return LocalImageStore(images=Path(core.settings.local_home) / "images")


def deployer(core: Core) -> "StagedDeployer":
    """Return what runs releases."""
    if _is_cluster(core):
        from functions.common.wiring import cluster  # noqa: PLC0415 - imported when chosen

        return cluster.deployer(core)
    from functions.common.adapters.local.deployer import LocalDeployer  # noqa: PLC0415 - as above

    return LocalDeployer(database=core.database)


def running_workloads(core: Core) -> "RunningWorkloads":
    """Return what lists the workloads that were asked for."""
    if _is_cluster(core):
        from functions.common.wiring import cluster  # noqa: PLC0415 - imported when chosen

        return cluster.deployer(core)
    from functions.common.adapters.local.deployer import LocalDeployer  # noqa: PLC0415 - as above

    return LocalDeployer(database=core.database)


def release_limits(core: Core) -> "ReleaseLimits":
    """Return what ends releases that whoever runs them has forgotten."""
    if _is_cluster(core):
        from functions.common.wiring import cluster  # noqa: PLC0415 - imported when chosen

        return cluster.release_limits(core)
    from functions.common.adapters.local.deployer import NoReleaseLimits  # noqa: PLC0415 - as above

    return NoReleaseLimits()


def image_retention(core: Core) -> "ImageRetention":
    """Return what chooses images to delete."""
    if _is_cluster(core):
        from functions.common.adapters.postgres.images import PostgresImageRetention  # noqa: PLC0415 - as above

        return PostgresImageRetention(database=core.database)
    from functions.common.adapters.local.images import NoImageRetention  # noqa: PLC0415 - as above

    return NoImageRetention()


def dns_zone(core: Core) -> "DnsZone":
    """Return where names are kept."""
    if _is_cluster(core):
        from functions.common.wiring import cluster  # noqa: PLC0415 - imported when chosen

        return cluster.dns_zone(core.settings)
    from functions.common.adapters.local.network import LocalDnsZone  # noqa: PLC0415 - as above

    return LocalDnsZone(database=core.database)


def certificates(core: Core) -> "Certificates":
    """Return what certifies hosts."""
    if _is_cluster(core):
        from functions.common.wiring import cluster  # noqa: PLC0415 - imported when chosen

        return cluster.certificates(core.settings)
    from functions.common.adapters.local.network import LocalCertificates  # noqa: PLC0415 - as above

    return LocalCertificates(database=core.database, clock=core.clock)


def forge_heads(core: Core) -> "ForgeHeads":
    """Return what reads branch heads."""
    if _is_cluster(core):
        from functions.common.wiring import cluster  # noqa: PLC0415 - imported when chosen

        return cluster.forge_heads(core.settings)
    from functions.common.adapters.local.repositories import GitHeads  # noqa: PLC0415 - as above

    return GitHeads(**_repositories(core))


def repositories(core: Core) -> "Repositories":
    """Return what makes repositories."""
    if _is_cluster(core):
        from functions.common.wiring import cluster  # noqa: PLC0415 - imported when chosen

        return cluster.repositories(core.settings)
    from functions.common.adapters.local.repositories import LocalRepositories  # noqa: PLC0415 - as above

    return LocalRepositories(**_repositories(core))


def commit_statuses(core: Core) -> "CommitStatuses":
    """Return what shows at a commit what became of it."""
    if _is_cluster(core):
        from functions.common.wiring import cluster  # noqa: PLC0415 - imported when chosen

        return cluster.commit_statuses()
    from functions.common.adapters.local.repositories import GitNotes  # noqa: PLC0415 - as above

    return GitNotes(**_repositories(core))


def build_logs(core: Core) -> "BuildLogs":
    """Return where the logs of builds are."""
    if _is_cluster(core):
        from functions.common.wiring import cluster  # noqa: PLC0415 - imported when chosen

        return cluster.build_logs(core.settings)
    from functions.common.adapters.local.logs import LocalBuildLogs  # noqa: PLC0415 - as above

    return LocalBuildLogs(builds=Path(core.settings.local_home) / "builds")


def runtime_logs(core: Core) -> "RuntimeLogs":
    """Return where the logs of apps are."""
    if _is_cluster(core):
        from functions.common.wiring import cluster  # noqa: PLC0415 - imported when chosen

        return cluster.runtime_logs(core.settings)
    from functions.common.adapters.local.logs import LocalRuntimeLogs  # noqa: PLC0415 - as above

    return LocalRuntimeLogs(apps=Path(core.settings.local_home) / "logs" / "apps")


class _Place(TypedDict):
    """Where repositories are; `owner` is that of names without one."""

    folder: Path
    base_url: str
    owner: str


def _repositories(core: Core) -> _Place:
    return _Place(
        folder=Path(core.settings.local_home) / "git",
        base_url=core.settings.required("SLIPWAY_GIT_URL"),
        owner=core.settings.optional("GITEA_DEFAULT_ORG", "slipway"),
    )


def _is_cluster(core: Core) -> bool:
    platform = core.settings.platform
    if platform not in {LOCAL, KUBERNETES}:
        msg = f"the setting SLIPWAY_PLATFORM={platform} is not supported: set it to `{KUBERNETES}` or `{LOCAL}`"
        raise SettingError(msg)
    return platform == KUBERNETES
