"""The settings of a cluster as its adapters take them."""

from urllib.parse import urlsplit

from functions.common.adapters.kubernetes.names import WILDCARD, Entrance, Kind, Runtime, Traffic
from functions.common.adapters.tekton.builder import Pipeline
from functions.common.settings import Settings

_PLAIN_HTTP = (".svc", ".svc.cluster.local", ".localhost")


def registry(settings: Settings) -> tuple[str, str]:
    """Return the registry's URL, and the name that images begin with.

    Without a scheme only registries inside the cluster are called by plain HTTP.
    """
    scheme, has_scheme, name = settings.registry.url.rstrip("/").rpartition("://")
    host = urlsplit(f"//{name}").hostname or ""
    is_plain = scheme == "http" if has_scheme else host.endswith(_PLAIN_HTTP) or host in {"localhost", "127.0.0.1"}
    return f"{'http' if is_plain else 'https'}://{name.partition('/')[0]}", name


def pipeline(settings: Settings) -> Pipeline:
    """Return how builds run."""
    (url, name), given = registry(settings), settings.builds
    return Pipeline(
        registry=name,
        insecure=url.startswith("http://"),
        strategy=given.strategy,
        images={"git": given.git_image, "builder": given.builder_image, "buildah": given.buildah_image},
        storage=given.storage,
        timeout=f"{round(given.limit)}s",
    )


def runtime(settings: Settings) -> Runtime:
    """Return how apps run."""
    given, releases = settings.workloads, settings.releases
    return Runtime(
        shared_namespace=given.shared_namespace,
        kind=Kind(given.kind),
        kinds={app: Kind(kind) for app, kind in given.kinds.items()},
        replicas=given.replicas,
        cpu=given.cpu,
        memory=given.memory,
        memory_limit=given.memory_limit,
        quota_cpu=given.quota_cpu,
        quota_memory=given.quota_memory,
        pause=round(releases.pause),
        health_limit=round(releases.health_limit),
        release_limit=round(releases.command_limit),
        entrance=Entrance(given.entrance),
        gateway=given.gateway,
        gateway_section=given.gateway_section,
        hsts=round(given.hsts),
        ingress_class=given.ingress_class,
        default_domain=settings.apps.domain,
        wildcard_secret=WILDCARD,
        traffic=Traffic(given.traffic),
        pull_secret=given.pull_secret,
        callers=given.callers,
        no_callers=("default", settings.builds.namespace),
        egress_denied=given.egress_denied,
        egress_allowed=given.egress_allowed,
    )


def certificate_namespace(settings: Settings) -> str:
    """Return where Certificates are: beside the Gateway, or in the namespace that apps share."""
    given = settings.workloads
    default = given.gateway.partition("/")[0] if given.entrance == "gateway" else given.shared_namespace
    return settings.certificates.namespace or default
