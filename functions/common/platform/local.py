"""One machine: PostgreSQL and folders, from which the workers of functions/local build and run apps."""

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from functions.common.platform.core import Core

if TYPE_CHECKING:  # see choice.py
    from functions.common.adapters.local.deployer import NoClusterReports
    from functions.common.ports.attention import Attention
    from functions.common.ports.builds import Builder, BuildQueue
    from functions.common.ports.deployer import RunningWorkloads, StagedDeployer
    from functions.common.ports.forge import CommitStatuses, ForgeHeads, Repositories, RepositoryNames, SourceHosts
    from functions.common.ports.images import DeclaredImages, ImageResolver, ImageRetention, ImageStore
    from functions.common.ports.logs import BuildLogs, RuntimeLogs
    from functions.common.ports.network import Certificates, DnsZone
    from functions.common.ports.releases import ReleaseLimits
    from functions.common.ports.runs import OneOffRunner, RunConsole
    from functions.common.ports.scales import ProcessCounts
    from functions.common.ports.usage import DiskUsage


class LocalPlatform:
    """Platform on one machine; see Platform."""

    def __init__(self, core: Core) -> None:
        self._core, self._settings = core, core.settings

    def builder(self) -> "Builder":
        """Return the orders of the build runner."""
        from functions.common.adapters.local.builder import LocalBuilder

        return LocalBuilder(database=self._core.database)

    def build_reports(self) -> "NoClusterReports":
        """Return nothing: the build runner records its events."""
        from functions.common.adapters.local.deployer import NoClusterReports

        return NoClusterReports()

    def build_queue(self) -> "BuildQueue":
        """Return the same orders."""
        from functions.common.adapters.local.builder import LocalBuilder

        return LocalBuilder(database=self._core.database)

    def build_logs(self) -> "BuildLogs":
        """Return the folder of its logs."""
        from functions.common.adapters.local.logs import LocalBuildLogs

        return LocalBuildLogs(builds=self._settings.local.home / "builds")

    def image_store(self) -> "ImageStore":
        """Return the folder of images."""
        from functions.common.adapters.local.images import LocalImageStore

        return LocalImageStore(images=self._settings.local.home / "images")

    def declared_images(self) -> "DeclaredImages":
        """Return the same folder."""
        from functions.common.adapters.local.images import LocalImageStore

        return LocalImageStore(images=self._settings.local.home / "images")

    def image_resolver(self) -> "ImageResolver":
        """Return the same folder."""
        from functions.common.adapters.local.images import LocalImageStore

        return LocalImageStore(images=self._settings.local.home / "images")

    def image_retention(self) -> "ImageRetention":
        """Return nothing to delete: the rollout controller deletes old images."""
        from functions.common.adapters.local.images import NoImageRetention

        return NoImageRetention()

    def deployer(self) -> "StagedDeployer":
        """Return the orders of the rollout controller."""
        from functions.common.adapters.local.deployer import LocalDeployer

        return LocalDeployer(database=self._core.database)

    def workload_reports(self) -> "NoClusterReports":
        """Return nothing: the rollout controller records its events."""
        return self.build_reports()

    def running_workloads(self) -> "RunningWorkloads":
        """Return the same orders."""
        from functions.common.adapters.local.deployer import LocalDeployer

        return LocalDeployer(database=self._core.database)

    def process_counts(self) -> "ProcessCounts":
        """Return what the rollout controller records."""
        from functions.common.adapters.local.deployer import LocalProcessCounts

        return LocalProcessCounts(database=self._core.database)

    def one_off_runner(self) -> "OneOffRunner":
        """Return the orders of the rollout controller."""
        from functions.common.adapters.local.runs import LocalRuns

        return LocalRuns(database=self._core.database, home=self._settings.local.home)

    def run_console(self) -> "RunConsole":
        """Return the same, with the files of their output."""
        from functions.common.adapters.local.runs import LocalRuns

        return LocalRuns(database=self._core.database, home=self._settings.local.home)

    def runtime_logs(self) -> "RuntimeLogs":
        """Return the folder of apps' logs."""
        from functions.common.adapters.local.logs import LocalRuntimeLogs

        return LocalRuntimeLogs(apps=self._settings.local.home / "logs" / "apps")

    def release_limits(self) -> "ReleaseLimits":
        """Return nothing to end: the rollout controller keeps its limits itself."""
        from functions.common.adapters.local.deployer import NoReleaseLimits

        return NoReleaseLimits()

    def dns_zone(self) -> "DnsZone":
        """Return the names in PostgreSQL."""
        from functions.common.adapters.local.network import LocalDnsZone

        return LocalDnsZone(database=self._core.database)

    def certificates(self) -> "Certificates":
        """Return the hosts for which Caddy may issue certificates."""
        from functions.common.adapters.local.network import LocalCertificates

        return LocalCertificates(database=self._core.database, clock=self._core.clock)

    def certificate_reports(self) -> "NoClusterReports":
        """Return nothing: Caddy issues certificates when it needs them."""
        return self.build_reports()

    def forge_heads(self) -> "ForgeHeads":
        """Return the repositories of the git server."""
        from functions.common.adapters.local.repositories import GitHeads

        return GitHeads(**self._repositories())

    def repository_names(self) -> "RepositoryNames":
        """Return the forge at GITEA_URL, or none."""
        from functions.common.platform import forge

        return forge.names(self._settings)

    def disk_usage(self) -> "DiskUsage":
        """Return the state folder."""
        from functions.common.adapters.local.disk import LocalDiskUsage

        return LocalDiskUsage(home=self._settings.local.home, database=self._core.database)

    def attention(self) -> "Attention":
        """Return what is recorded, and what isolation lacks."""
        from functions.common.adapters.local.attention import LocalAttention
        from functions.common.adapters.postgres.attention import PostgresAttention

        recorded = PostgresAttention(database=self._core.database)
        return LocalAttention(others=recorded, file=self._settings.local.home / "weakness")

    def source_hosts(self) -> "SourceHosts":
        """Return public hosts, and the git server."""
        from functions.common.platform import forge

        return forge.source_hosts(self._settings, self._settings.git_server.url)

    def repositories(self) -> "Repositories":
        """Return the repositories of the git server."""
        from functions.common.adapters.local.repositories import LocalRepositories

        return LocalRepositories(**self._repositories(), ssh_url=self._settings.local.ssh_url)

    def commit_statuses(self) -> "CommitStatuses":
        """Return the forge at GITEA_URL, else notes in the repositories of the git server."""
        if self._settings.sources.forge_url:
            from functions.common.platform import forge

            return forge.statuses(self._settings)
        from functions.common.adapters.local.repositories import GitNotes

        return GitNotes(**self._repositories())

    def _repositories(self) -> "_Repositories":
        given, server = self._settings.local, self._settings.git_server
        server.require("url")
        return _Repositories(folder=given.home / "git", base_url=server.url, owner=self._settings.forge.organisation)


class _Repositories(TypedDict):
    """Where the git server's repositories are; `owner` owns those whose name says no owner."""

    folder: Path
    base_url: str
    owner: str
