"""What differs between a Kubernetes cluster and one machine, and the choice between the two."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # a function uses one or two of these ports; importing all costs time at its cold start
    from functions.common.platform.core import Core
    from functions.common.ports.attention import Attention
    from functions.common.ports.builds import Builder, BuildQueue, BuildReports
    from functions.common.ports.deployer import RunningWorkloads, StagedDeployer, WorkloadReports
    from functions.common.ports.forge import CommitStatuses, ForgeHeads, Repositories, RepositoryNames, SourceHosts
    from functions.common.ports.images import DeclaredImages, ImageResolver, ImageRetention, ImageStore
    from functions.common.ports.logs import BuildLogs, RuntimeLogs
    from functions.common.ports.network import CertificateReports, Certificates, DnsZone
    from functions.common.ports.releases import ReleaseLimits
    from functions.common.ports.runs import OneOffRunner, RunConsole
    from functions.common.ports.scales import ProcessCounts
    from functions.common.ports.usage import DiskUsage


class Platform(Protocol):
    """Returns the adapter of each port that depends on where Slipway runs. Raises SettingError."""

    def builder(self) -> "Builder":
        """Return what builds images."""
        ...

    def build_reports(self) -> "BuildReports":
        """Return what is asked about builds that a builder's own events name."""
        ...

    def build_queue(self) -> "BuildQueue":
        """Return what says which builds run and wait."""
        ...

    def build_logs(self) -> "BuildLogs":
        """Return what reads the logs of builds."""
        ...

    def image_store(self) -> "ImageStore":
        """Return what keeps images."""
        ...

    def declared_images(self) -> "DeclaredImages":
        """Return what reads what an image's repository declares."""
        ...

    def image_resolver(self) -> "ImageResolver":
        """Return what finds images by their references."""
        ...

    def image_retention(self) -> "ImageRetention":
        """Return what selects the images that reconcile deletes."""
        ...

    def deployer(self) -> "StagedDeployer":
        """Return what runs releases."""
        ...

    def workload_reports(self) -> "WorkloadReports":
        """Return what is asked about workloads that a cluster's events name."""
        ...

    def running_workloads(self) -> "RunningWorkloads":
        """Return what lists the workloads that exist."""
        ...

    def process_counts(self) -> "ProcessCounts":
        """Return what counts processes that are ready."""
        ...

    def one_off_runner(self) -> "OneOffRunner":
        """Return what starts one-off commands."""
        ...

    def run_console(self) -> "RunConsole":
        """Return what reads their output."""
        ...

    def runtime_logs(self) -> "RuntimeLogs":
        """Return what reads the logs of apps."""
        ...

    def release_limits(self) -> "ReleaseLimits":
        """Return what ends releases whose time limit is over."""
        ...

    def dns_zone(self) -> "DnsZone":
        """Return what writes DNS records."""
        ...

    def certificates(self) -> "Certificates":
        """Return what issues certificates."""
        ...

    def certificate_reports(self) -> "CertificateReports":
        """Return what is asked about certificates that an issuer's events name."""
        ...

    def forge_heads(self) -> "ForgeHeads":
        """Return what reads the heads of branches."""
        ...

    def repository_names(self) -> "RepositoryNames":
        """Return what is asked for the names that repositories have now."""
        ...

    def disk_usage(self) -> "DiskUsage":
        """Return what measures the disk."""
        ...

    def attention(self) -> "Attention":
        """Return what finds what needs a person."""
        ...

    def source_hosts(self) -> "SourceHosts":
        """Return which hosts repositories may be fetched from."""
        ...

    def repositories(self) -> "Repositories":
        """Return what creates repositories."""
        ...

    def commit_statuses(self) -> "CommitStatuses":
        """Return what shows the state of a push at its commit."""
        ...


def choose_platform(core: "Core") -> Platform:
    """Return the platform that SLIPWAY_PLATFORM names. Raises SettingError when it names none."""
    if core.settings.platform.name == "local":
        from functions.common.platform.local import LocalPlatform

        return LocalPlatform(core)
    from functions.common.platform.kubernetes import KubernetesPlatform

    return KubernetesPlatform(core)
