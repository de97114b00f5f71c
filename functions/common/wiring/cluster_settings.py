"""The settings of a cluster, read and checked."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from functions.common.adapters.kubernetes.names import WILDCARD, Entrance, Kind, Runtime, Traffic
from functions.common.adapters.tekton.builder import Pipeline
from functions.common.settings import SettingError, Settings

_PLAIN = (".svc", ".svc.cluster.local", ".localhost")


def choice(settings: Settings, name: str, known: Sequence[str]) -> str:
    """Return a setting that is one of the known values, the first by default. Raises SettingError."""
    value = settings.optional(name, known[0])
    if value not in known:
        msg = f"the setting {name} must be one of {', '.join(known)}, not {value!r}"
        raise SettingError(msg)
    return value


def build_namespace(settings: Settings) -> str:
    """Return where builds run."""
    return settings.optional("SLIPWAY_BUILD_NAMESPACE", "slipway-builds")


def registry(settings: Settings) -> tuple[str, str]:
    """Return the registry's URL, and its name as images begin with; without a scheme only a cluster's own is http."""
    text = settings.required("REGISTRY_URL").rstrip("/")
    scheme, has_scheme, name = text.rpartition("://")
    host = urlsplit(f"//{name}").hostname or ""
    plain = scheme == "http" if has_scheme else host.endswith(_PLAIN) or host in {"localhost", "127.0.0.1"}
    return f"{'http' if plain else 'https'}://{name.partition('/')[0]}", name


def pipeline(settings: Settings) -> Pipeline:
    """Return how builds run."""
    url, name = registry(settings)
    images = {one: settings.optional(f"SLIPWAY_{one.upper()}_IMAGE") for one in ("git", "builder", "buildah")}
    return Pipeline(
        registry=name,
        insecure=url.startswith("http://"),
        strategy=choice(settings, "SLIPWAY_BUILD_STRATEGY", ("auto", "buildpacks", "dockerfile")),
        images=images,
        storage=settings.optional("SLIPWAY_BUILD_STORAGE", "2Gi"),
        timeout=f"{round(settings.number('SLIPWAY_BUILD_LIMIT', 1800))}s",
    )


def runtime(settings: Settings) -> Runtime:
    """Return how apps run. Raises SettingError for what does not go together."""
    shared = settings.optional("DEPLOY_NAMESPACE")
    entrance = Entrance(choice(settings, "SLIPWAY_ENTRANCE", list(Entrance)))
    if entrance is Entrance.INGRESS and not shared:
        msg = "SLIPWAY_ENTRANCE=ingress needs DEPLOY_NAMESPACE: an Ingress reads certificates of its own namespace"
        raise SettingError(msg)
    gateway = settings.optional("SLIPWAY_GATEWAY", "slipway-edge/slipway")
    if gateway.count("/") != 1:
        msg = f"the setting SLIPWAY_GATEWAY must be NAMESPACE/NAME, not {gateway!r}"
        raise SettingError(msg)
    return Runtime(
        shared_namespace=shared,
        kind=Kind(choice(settings, "SLIPWAY_DEPLOY_KIND", (Kind.ROLLOUT, Kind.DEPLOYMENT, Kind.KNATIVE))),
        kinds=_kinds(settings.optional("SLIPWAY_DEPLOY_KINDS")),
        replicas=round(settings.number("SLIPWAY_REPLICAS", 2)),
        cpu=settings.optional("SLIPWAY_APP_CPU", "50m"),
        memory=settings.optional("SLIPWAY_APP_MEMORY", "128Mi"),
        memory_limit=settings.optional("SLIPWAY_APP_MEMORY_LIMIT", "512Mi"),
        quota_cpu=settings.optional("SLIPWAY_QUOTA_CPU", "4"),
        quota_memory=settings.optional("SLIPWAY_QUOTA_MEMORY", "8Gi"),
        pause=round(settings.number("SLIPWAY_CANARY_PAUSE", 30)),
        health_limit=round(settings.number("SLIPWAY_HEALTH_LIMIT", 120)),
        release_limit=round(settings.number("SLIPWAY_RELEASE_LIMIT", 600)),
        entrance=entrance,
        gateway=gateway,
        ingress_class=settings.optional("SLIPWAY_INGRESS_CLASS"),
        default_domain=settings.default_domain,
        wildcard_secret=WILDCARD,
        traffic=Traffic(choice(settings, "SLIPWAY_TRAFFIC", list(Traffic))),
        pull_secret=settings.optional("SLIPWAY_PULL_SECRET"),
    )


def _kinds(text: str) -> dict[str, Kind]:
    """Return app -> kind of `shop=knative,site=deployment`."""
    kinds = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        app, _, kind = part.partition("=")
        if kind not in set(Kind):
            msg = f"the setting SLIPWAY_DEPLOY_KINDS must be APP=KIND,... with {', '.join(Kind)}, not {part!r}"
            raise SettingError(msg)
        kinds[app] = Kind(kind)
    return kinds
