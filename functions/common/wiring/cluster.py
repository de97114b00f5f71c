"""The adapters of a Kubernetes cluster, by settings.

A pod that has started waits up to a second until its kubelet has noticed: what nearly every event of a function calls
is connected to, or read, meanwhile ("ahead").
"""

from functools import cache
from typing import TYPE_CHECKING

from functions.common.adapters.http_client import warm_up
from functions.common.adapters.kubernetes.api import KubernetesApi, in_cluster
from functions.common.adapters.kubernetes.names import Entrance
from functions.common.ports.builds import Builder
from functions.common.ports.forge import CommitStatuses, ForgeHeads, Repositories
from functions.common.ports.images import ImageStore
from functions.common.ports.logs import BuildLogs, RuntimeLogs
from functions.common.ports.network import Certificates, DnsZone
from functions.common.ports.releases import ReleaseLimits
from functions.common.settings import Settings
from functions.common.wiring.cluster_settings import build_namespace, choice, pipeline, registry, runtime
from functions.common.wiring.core import Core

if TYPE_CHECKING:
    from functions.common.adapters.kubernetes.deployer import KubernetesDeployer


def builder(settings: Settings) -> Builder:
    """Return Tekton."""
    from functions.common.adapters.tekton.builder import TektonBuilder  # noqa: PLC0415 - imported when chosen

    return TektonBuilder(api=_connected(), namespace=build_namespace(settings), pipeline=pipeline(settings))


def image_store(settings: Settings) -> ImageStore:
    """Return the registry at REGISTRY_URL."""
    from functions.common.adapters.registry import RegistryImages  # noqa: PLC0415 - as above

    url, name = registry(settings)
    warm_up(url)
    return RegistryImages(
        registry=name,
        url=url,
        user=settings.optional("REGISTRY_USER"),
        password=settings.optional("REGISTRY_PASSWORD"),
    )


def deployer(core: Core) -> "KubernetesDeployer":
    """Return server-side apply."""
    from functions.common.adapters.kubernetes.deployer import KubernetesDeployer  # noqa: PLC0415 - as above
    from functions.common.adapters.postgres.workloads import PostgresRemovals  # noqa: PLC0415 - as above

    return KubernetesDeployer(
        api=_connected(), runtime=runtime(core.settings), removals=PostgresRemovals(database=core.database)
    )


def release_limits(core: Core) -> ReleaseLimits:
    """Return the progress deadlines of Rollouts."""
    from functions.common.adapters.kubernetes.release_limits import KubernetesReleaseLimits  # noqa: PLC0415 - as above

    shared = core.settings.optional("DEPLOY_NAMESPACE")
    return KubernetesReleaseLimits(api=_connected(), clock=core.clock, shared_namespace=shared)


def dns_zone(settings: Settings) -> DnsZone:
    """Return Cloudflare, or nobody's with SLIPWAY_DNS=none."""
    if choice(settings, "SLIPWAY_DNS", ("cloudflare", "none")) == "none":
        from functions.common.adapters.dns.noop_dns import NoopDnsZone  # noqa: PLC0415 - as above

        return NoopDnsZone()
    from functions.common.adapters.dns.cloudflare import (  # noqa: PLC0415 - as above
        URL,
        CloudflareApi,
        CloudflareDnsZone,
    )

    url = settings.optional("CLOUDFLARE_URL", URL)
    warm_up(url)
    api = CloudflareApi(
        zone=settings.required("CLOUDFLARE_ZONE_ID"), token=settings.required("CLOUDFLARE_API_TOKEN"), url=url
    )
    proxied = settings.optional("CLOUDFLARE_PROXIED") == "true"
    return CloudflareDnsZone(api=api, target=settings.required("CLUSTER_IP"), proxied=proxied)


def certificates(settings: Settings) -> Certificates:
    """Return cert-manager."""
    from functions.common.adapters.certificates.cert_manager import CertManagerCertificates  # noqa: PLC0415 - as above

    way = runtime(settings)
    through_gateway = way.entrance is Entrance.GATEWAY
    default = way.gateway.partition("/")[0] if through_gateway else way.shared_namespace
    return CertManagerCertificates(
        api=_connected(),
        namespace=settings.optional("SLIPWAY_TLS_NAMESPACE", default),
        issuer=settings.required("DEPLOY_TLS_ISSUER"),
        default_domain=settings.default_domain,
        gateway=way.gateway if through_gateway else "",
    )


def forge_heads(settings: Settings) -> ForgeHeads:
    """Return the forge at GITEA_URL, or nobody's."""
    if not settings.optional("GITEA_URL"):
        from functions.common.adapters.forges.no_forge import NoForge  # noqa: PLC0415 - as above

        return NoForge()
    from functions.common.adapters.forges.gitea import GiteaApi, GiteaHeads  # noqa: PLC0415 - as above

    url = settings.required("GITEA_URL")
    warm_up(url)
    return GiteaHeads(api=GiteaApi(url=url, token=settings.required("GITEA_TOKEN")))


def repositories(settings: Settings) -> Repositories:
    """Return the forge at GITEA_URL, or nobody's."""
    if not settings.optional("GITEA_URL"):
        from functions.common.adapters.forges.no_forge import NoForge  # noqa: PLC0415 - as above

        return NoForge()
    from functions.common.adapters.forges.gitea import GiteaApi, GiteaRepositories  # noqa: PLC0415 - as above

    return GiteaRepositories(
        api=GiteaApi(url=settings.required("GITEA_URL"), token=settings.required("GITEA_TOKEN")),
        organisation=settings.required("GITEA_DEFAULT_ORG"),
        webhook_url=f"{settings.required('SLIPWAY_GATEWAY_URL').rstrip('/')}/v1/webhooks/gitea",
        webhook_secret=settings.webhook_secret("gitea"),
    )


def commit_statuses() -> CommitStatuses:
    """Return nobody's: report-status takes the forge at GITEA_URL where there is one."""
    from functions.common.adapters.forges.no_forge import NoForge  # noqa: PLC0415 - as above

    return NoForge()


def build_logs(settings: Settings) -> BuildLogs:
    """Return the logs of builds' pods."""
    from functions.common.adapters.kubernetes.logs import TektonBuildLogs  # noqa: PLC0415 - as above

    return TektonBuildLogs(api=_api(), namespace=build_namespace(settings))


def runtime_logs(settings: Settings) -> RuntimeLogs:
    """Return the logs of apps' pods."""
    from functions.common.adapters.kubernetes.logs import KubernetesRuntimeLogs  # noqa: PLC0415 - as above

    return KubernetesRuntimeLogs(api=_api(), shared_namespace=settings.optional("DEPLOY_NAMESPACE"))


@cache
def _connected() -> KubernetesApi:
    """Return the client for who calls at nearly every event: it connects while the first is waited for."""
    api = _api()
    api.open_ahead()
    return api


@cache
def _api() -> KubernetesApi:
    """Return the one client of this process; it is made at its first call."""
    return KubernetesApi(configure=in_cluster)
