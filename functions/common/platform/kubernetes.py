"""A Kubernetes cluster: Tekton, a registry, Kubernetes' own workloads, Cloudflare, cert-manager, and a forge.

A pod that has started waits up to a second for the first look of its kubelet. Meanwhile it connects in the background
to what nearly every event of its function calls.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from functions.common.adapters.http_client import warm_up
from functions.common.platform import forge
from functions.common.platform.core import Core

if TYPE_CHECKING:  # see choice.py
    from functions.common.adapters.certificates.cert_manager import CertManagerReports
    from functions.common.adapters.kubernetes.api import KubernetesApi
    from functions.common.adapters.kubernetes.deployer import KubernetesDeployer
    from functions.common.adapters.kubernetes.reports import KubernetesWorkloadReports
    from functions.common.adapters.registry import RegistryImages
    from functions.common.adapters.tekton.runs import TektonBuildReports
    from functions.common.ports.attention import Attention
    from functions.common.ports.builds import Builder, BuildQueue
    from functions.common.ports.forge import CommitStatuses, ForgeHeads, Repositories, RepositoryNames, SourceHosts
    from functions.common.ports.images import DeclaredImages, ImageResolver, ImageRetention
    from functions.common.ports.logs import BuildLogs, RuntimeLogs
    from functions.common.ports.network import Certificates, DnsZone
    from functions.common.ports.releases import ReleaseLimits
    from functions.common.ports.runs import OneOffRunner, RunConsole
    from functions.common.ports.scales import ProcessCounts
    from functions.common.ports.usage import DiskUsage


class KubernetesPlatform:
    """Platform on a cluster; see Platform."""

    def __init__(self, core: Core) -> None:
        self._core, self._settings = core, core.settings

    @cached_property
    def _api(self) -> "KubernetesApi":
        """The one client of the cluster's API; it connects at its first call."""
        from functions.common.adapters.kubernetes.api import KubernetesApi, in_cluster

        return KubernetesApi(configure=in_cluster)

    @cached_property
    def _connected_api(self) -> "KubernetesApi":
        """The same client, for those that call it at nearly every event: it connects in the background."""
        self._api.open_ahead()
        return self._api

    def builder(self) -> "Builder":
        """Return Tekton."""
        from functions.common.adapters.tekton.builder import TektonBuilder
        from functions.common.platform.cluster import pipeline

        namespace = self._settings.builds.namespace
        return TektonBuilder(
            api=self._connected_api,
            namespace=namespace,
            pipeline=pipeline(self._settings),
            hosts=forge.source_hosts(self._settings),
        )

    def build_reports(self) -> "TektonBuildReports":
        """Return Tekton's runs."""
        from functions.common.adapters.tekton.runs import TektonBuildReports

        return TektonBuildReports(api=self._connected_api, namespace=self._settings.builds.namespace)

    def build_queue(self) -> "BuildQueue":
        """Return Tekton's runs and their pods."""
        from functions.common.adapters.tekton.queue import TektonQueue

        return TektonQueue(api=self._api, namespace=self._settings.builds.namespace)

    def build_logs(self) -> "BuildLogs":
        """Return the logs of builds' pods."""
        from functions.common.adapters.kubernetes.logs import TektonBuildLogs

        return TektonBuildLogs(api=self._api, namespace=self._settings.builds.namespace)

    def declared_images(self) -> "DeclaredImages":
        """Return nothing: builds of a cluster do not pass it on."""
        from functions.common.adapters.registry import NoDeclarations

        return NoDeclarations()

    def image_store(self) -> "RegistryImages":
        """Return the registry at REGISTRY_URL."""
        from functions.common.adapters.registry import RegistryImages
        from functions.common.platform.cluster import registry

        given, (url, name) = self._settings.registry, registry(self._settings)
        warm_up(url)
        password = given.password.get_secret_value()
        others = {host: f"https://{host}" for host in given.others}
        return RegistryImages(registry=name, url=url, user=given.user, password=password, others=others)

    def image_resolver(self) -> "ImageResolver":
        """Return the same registry, and others whose images are allowed."""
        return self.image_store()

    def image_retention(self) -> "ImageRetention":
        """Return the images of old releases in PostgreSQL."""
        from functions.common.adapters.postgres.images import PostgresImageRetention

        return PostgresImageRetention(database=self._core.database)

    def deployer(self) -> "KubernetesDeployer":
        """Return server-side apply."""
        from functions.common.adapters.kubernetes.deployer import KubernetesDeployer
        from functions.common.adapters.postgres.workloads import PostgresRemovals
        from functions.common.platform.cluster import runtime

        removals = PostgresRemovals(database=self._core.database)
        return KubernetesDeployer(
            api=self._connected_api, runtime=runtime(self._settings), removals=removals, cipher=self._core.cipher
        )

    def workload_reports(self) -> "KubernetesWorkloadReports":
        """Return the workloads of apps."""
        from functions.common.adapters.kubernetes.reports import KubernetesWorkloadReports

        shared = self._settings.workloads.shared_namespace
        return KubernetesWorkloadReports(api=self._connected_api, shared_namespace=shared)

    def running_workloads(self) -> "KubernetesDeployer":
        """Return the same, which lists what it applied."""
        return self.deployer()

    def process_counts(self) -> "ProcessCounts":
        """Return the pods of apps."""
        from functions.common.adapters.kubernetes.counts import KubernetesProcessCounts
        from functions.common.platform.cluster import runtime

        return KubernetesProcessCounts(api=self._api, runtime=runtime(self._settings))

    def one_off_runner(self) -> "OneOffRunner":
        """Return Jobs."""
        from functions.common.adapters.kubernetes.runs import KubernetesOneOffRunner
        from functions.common.platform.cluster import runtime

        return KubernetesOneOffRunner(
            api=self._connected_api, runtime=runtime(self._settings), cipher=self._core.cipher
        )

    def run_console(self) -> "RunConsole":
        """Return the pods of Jobs."""
        from functions.common.adapters.kubernetes.runs import KubernetesRunConsole

        return KubernetesRunConsole(api=self._api, shared_namespace=self._settings.workloads.shared_namespace)

    def runtime_logs(self) -> "RuntimeLogs":
        """Return the logs of apps' pods."""
        from functions.common.adapters.kubernetes.logs import KubernetesRuntimeLogs

        return KubernetesRuntimeLogs(api=self._api, shared_namespace=self._settings.workloads.shared_namespace)

    def release_limits(self) -> "ReleaseLimits":
        """Return the progress deadlines of Rollouts."""
        from functions.common.adapters.kubernetes.release_limits import KubernetesReleaseLimits

        shared = self._settings.workloads.shared_namespace
        return KubernetesReleaseLimits(api=self._connected_api, clock=self._core.clock, shared_namespace=shared)

    def dns_zone(self) -> "DnsZone":
        """Return the zone at the provider that SLIPWAY_DNS names; with `none`, one whose names all exist."""
        given = self._settings.dns
        if given.provider == "none":
            from functions.common.adapters.dns.noop_dns import NoopDnsZone

            return NoopDnsZone()
        from functions.common.adapters.dns.cloudflare import CloudflareApi, CloudflareDnsZone

        warm_up(given.cloudflare_url)
        api = CloudflareApi(
            zone=given.cloudflare_zone, token=given.cloudflare_token.get_secret_value(), url=given.cloudflare_url
        )
        return CloudflareDnsZone(api=api, target=given.target, proxied=given.cloudflare_proxied)

    def certificates(self) -> "Certificates":
        """Return cert-manager."""
        from functions.common.adapters.certificates.cert_manager import CertManagerCertificates
        from functions.common.platform.cluster import certificate_namespace

        given, workloads = self._settings.certificates, self._settings.workloads
        through_gateway = workloads.entrance == "gateway"
        return CertManagerCertificates(
            api=self._connected_api,
            namespace=certificate_namespace(self._settings),
            issuer=given.issuer,
            default_domain=self._settings.apps.domain,
            gateway=workloads.gateway if through_gateway else "",
        )

    def certificate_reports(self) -> "CertManagerReports":
        """Return cert-manager's Certificates."""
        from functions.common.adapters.certificates.cert_manager import CertManagerReports
        from functions.common.platform.cluster import certificate_namespace

        return CertManagerReports(api=self._connected_api, namespace=certificate_namespace(self._settings))

    def forge_heads(self) -> "ForgeHeads":
        """Return the forge at GITEA_URL, or none."""
        return forge.heads(self._settings)

    def repository_names(self) -> "RepositoryNames":
        """Return the forge at GITEA_URL, or none."""
        return forge.names(self._settings)

    def disk_usage(self) -> "DiskUsage":
        """Return nothing: volumes and the registry have their own tools."""
        from functions.common.adapters.kubernetes.counts import NoDisk

        return NoDisk()

    def attention(self) -> "Attention":
        """Return what is recorded."""
        from functions.common.adapters.postgres.attention import PostgresAttention

        return PostgresAttention(database=self._core.database)

    def source_hosts(self) -> "SourceHosts":
        """Return public hosts, and the forge at GITEA_URL."""
        return forge.source_hosts(self._settings)

    def repositories(self) -> "Repositories":
        """Return the forge at GITEA_URL, or none."""
        return forge.repositories(self._settings)

    def commit_statuses(self) -> "CommitStatuses":
        """Return the forge at GITEA_URL, or none."""
        return forge.statuses(self._settings)
