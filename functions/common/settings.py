"""Every setting of Slipway: its name, its meaning, its default, and which values it may have.

Only this module reads the environment. A function reads the groups that it uses when it is composed, each as a whole,
so a wrong value stops the start. An empty value counts as unset. `task settings` writes the tables in docs/operate.md
from these classes.

The groups are pydantic models: every function imports pydantic for its events already. pydantic-settings would add
140 ms to each cold start.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, TypeVar, get_args, overload
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from functions.common.errors import SlipwayError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_REMEDY = "set it in the ConfigMap or Secret slipway, or in the environment of this function"


class SettingError(SlipwayError):
    """A setting is missing or wrong. The text names it, what was given, and the remedy; it never holds a secret."""


# What every group and every setting has in common.


class Group(BaseModel):
    """Settings that are read together.

    `from_user`: on one machine the platform passes them on from the environment of `task up`.
    `from_platform`: Slipway sets them itself.
    """

    model_config = ConfigDict(frozen=True, defer_build=True, hide_input_in_errors=True)
    from_user: ClassVar[bool] = False
    from_platform: ClassVar[bool] = False

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the settings in this group."""
        return [one.alias or "" for one in cls.model_fields.values()]

    def require(self, *fields: str) -> None:
        """Raise SettingError when one of these fields is empty."""
        for name in fields:
            if not getattr(self, name):
                raise _missing(type(self).model_fields[name].alias or name)


G = TypeVar("G", bound=Group)
T = TypeVar("T")


@overload
def setting(name: str, meaning: str) -> Any: ...  # noqa: ANN401 - of the type that is declared
@overload
def setting(name: str, meaning: str, default: T, *, local: T | None = None) -> T: ...
def setting(name: str, meaning: str, default: object = ..., *, local: Any = None) -> Any:
    """Declare a setting; it is required without a default. `local` is the default on one machine, where it differs."""
    extra = None if local is None else {"local": local}
    return Field(default, alias=name, description=meaning, json_schema_extra=extra)


def _missing(name: str) -> SettingError:
    return SettingError(f"the setting {name} is missing: {_REMEDY}")


# What values may be. The text of a ValueError completes "the setting NAME must be ...".


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        msg = "a URL that begins with http:// or https://"
        raise ValueError(msg)
    return text


def _namespaced(text: str) -> str:
    namespace, _, name = text.partition("/")
    if not namespace or not name or "/" in name:
        msg = "NAMESPACE/NAME"
        raise ValueError(msg)
    return text


def _percents(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    steps = tuple(int(part) for part in parts if part.isdecimal())
    if len(steps) != len(parts) or steps[-1] != PERCENT[-1] or list(steps) != sorted({*steps} & {*PERCENT}):
        msg = "growing percents that end in 100"
        raise ValueError(msg)
    return steps


def _range(text: str) -> str:
    first, _, last = text.partition("-")
    if not first.isdecimal() or not last.isdecimal() or not 0 < int(first) <= int(last) < 2**32 - 1:
        msg = "two numbers of users, FIRST-LAST"
        raise ValueError(msg)
    return text


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _kinds(text: str) -> dict[str, str]:
    pairs = [part.strip().partition("=") for part in text.split(",") if part.strip()]
    if any(not app or kind not in get_args(Kind) for app, _, kind in pairs):
        msg = f"APP=KIND,... with the kinds {', '.join(get_args(Kind))}"
        raise ValueError(msg)
    return {app: kind for app, _, kind in pairs}


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in text.split(",") if part.strip())


def _mail_server(url: str) -> None:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"smtp", "smtps"} and parts.hostname and (parts.port or 1)
    except ValueError:
        valid = False
    if not valid:
        msg = f"the setting SMTP_URL must be smtp://[USER:PASSWORD@]HOST[:PORT] or smtps://...: {_REMEDY}"
        raise SettingError(msg)


def _networks(text: str) -> tuple[str, ...]:
    from ipaddress import ip_network  # noqa: PLC0415 - most functions start without it

    try:
        return tuple(str(ip_network(word)) for word in _words(text))
    except ValueError as error:
        msg = "networks separated by commas, such as 10.0.0.0/8"
        raise ValueError(msg) from error


def _texts(text: str) -> dict[str, str]:
    try:
        return {str(name): str(value) for name, value in json.loads(text).items()}
    except (ValueError, AttributeError) as error:
        msg = "a JSON object"
        raise ValueError(msg) from error


def _extensions(text: str) -> dict[str, str]:
    try:
        return {str(name): str(value) for name, value in (json.loads(text).get("extensions") or {}).items()}
    except (ValueError, AttributeError) as error:
        msg = 'JSON {"extensions": {...}}'
        raise ValueError(msg) from error


PERCENT = range(1, 101)
_FERNET_KEY = re.compile(r"^[A-Za-z0-9_-]{43}=\Z")
UNSET = SecretStr("")
INTERNAL_NETWORKS = (
    "169.254.0.0/16",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "fe80::/10",
    "fc00::/7",
)
Kind = Literal["rollout", "deployment", "knative"]
Kinds = Annotated[dict[str, Kind], BeforeValidator(_kinds)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Networks = Annotated[tuple[str, ...], BeforeValidator(_networks)]
Percents = Annotated[tuple[int, ...], BeforeValidator(_percents)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
UserRange = Annotated[str, AfterValidator(_range)]
Url = Annotated[str, AfterValidator(_url)]
Namespaced = Annotated[str, AfterValidator(_namespaced)]
Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]


# The groups. The first line of a docstring heads the group's table.


class Database(Group):
    """PostgreSQL."""

    url: SecretStr = setting(
        "DATABASE_URL",
        "`postgresql://USER:PASSWORD@HOST:PORT/NAME`. TLS as in libpq: `?sslmode=disable`, `prefer` (the default), "
        "`require`, `verify-ca` or `verify-full`, with `&sslrootcert=FILE`, else the system's authorities",
    )


class Apps(Group):
    """Where apps answer."""

    domain: str = setting("DEFAULT_DOMAIN", "apps answer at `<label>.<this>`")
    port: Port = setting("SLIPWAY_APPS_PORT", "the HTTPS port in the URLs of apps", 443)


class Encryption(Group):
    """Encryption at rest: of config, secrets of webhooks, and targets and secrets of notifications in the database."""

    from_user = True

    keys: SecretStr = setting(
        "SLIPWAY_CONFIG_KEYS",
        "keys of `paas config new-key`, with commas, the newest first; on one machine the platform makes one. "
        "Without a key all is stored as it is",
        UNSET,
    )

    @field_validator("keys")
    @classmethod
    def _are_keys(cls, keys: SecretStr) -> SecretStr:
        if any(not _FERNET_KEY.match(key) for key in _words(keys.get_secret_value())):
            msg = "keys of `paas config new-key`, with commas"
            raise ValueError(msg)
        return keys

    @property
    def config_keys(self) -> tuple[str, ...]:
        """The keys, the newest first."""
        return _words(self.keys.get_secret_value())


class Gateway(Group):
    """Where Slipway itself answers."""

    url: Url = setting(
        "SLIPWAY_GATEWAY_URL",
        "the API's base URL. Webhooks that Slipway creates and commit statuses lead there; no app gets its host",
        "",
    )

    @property
    def required_url(self) -> str:
        """The URL without a slash at its end. Raises SettingError when it is not set."""
        self.require("url")
        return self.url.rstrip("/")


class Dashboard(Group):
    """The dashboard."""

    api_url: Url = setting("SLIPWAY_API_URL", "where it calls the API", "http://manage-apps.slipway.svc.cluster.local")


class Streams(Group):
    """Live streams of the dashboard."""

    from_user = True

    seconds: Number = setting(
        "SLIPWAY_STREAM_SECONDS", "after which a stream ends and the browser resumes it; less than its timeout", 240
    )
    heartbeat: Number = setting("SLIPWAY_STREAM_HEARTBEAT", "seconds between signs of life of a quiet stream", 15)


class Webhooks(Group):
    """Webhooks of apps that have no secret of their own. A forge without a secret has the shared one."""

    from_user = True

    shared: SecretStr = setting("PAAS_WEBHOOK_SECRET", "for all forges", UNSET)
    forgejo: SecretStr = setting("FORGEJO_WEBHOOK_SECRET", "for Forgejo", UNSET)
    gitea: SecretStr = setting("GITEA_WEBHOOK_SECRET", "for Gitea", UNSET)
    github: SecretStr = setting("GITHUB_WEBHOOK_SECRET", "for GitHub", UNSET)
    gitlab: SecretStr = setting("GITLAB_WEBHOOK_SECRET", "for GitLab", UNSET)

    def secret_of(self, provider: str) -> str:
        """Return the secret of a forge's webhooks, empty when there is none."""
        own: SecretStr = getattr(self, provider, UNSET)  # a new forge has the shared one until it is declared here
        return (own or self.shared).get_secret_value()


_HOSTS = "the only hosts whose repositories it announces, with commas; no other forge may then announce them"


class Sources(Group):
    """Where repositories may be, and which forge announces them."""

    from_user = True

    forge_url: Url = setting(
        "GITEA_URL",
        "the URL of the Forgejo or Gitea in which Slipway creates repositories; without it each app needs a git URL",
        "",
    )
    internal: Names = setting(
        "SLIPWAY_GIT_INTERNAL",
        "hosts, addresses and networks of forges that may be fetched from although they are not public, beside "
        "`GITEA_URL`: `git.example.org,10.0.0.0/8`",
        (),
    )
    forgejo: Names = setting("FORGEJO_HOSTS", _HOSTS, ())
    gitea: Names = setting("GITEA_HOSTS", _HOSTS, ())
    github: Names = setting("GITHUB_HOSTS", _HOSTS, ())
    gitlab: Names = setting("GITLAB_HOSTS", _HOSTS, ())

    def hosts_of(self, provider: str) -> tuple[str, ...]:
        """Return the hosts whose repositories a forge may announce; none: all but those of other forges."""
        hosts: tuple[str, ...] = getattr(self, provider, ())  # a new forge has none until it is declared here
        return hosts


class Forge(Group):
    """Access to that forge: to create repositories, read branch heads and set commit statuses."""

    from_user = True

    token: SecretStr = setting(
        "GITEA_TOKEN", "required with `GITEA_URL`; scopes write:repository and write:organization", UNSET
    )
    organisation: str = setting(
        "GITEA_DEFAULT_ORG", "required with `GITEA_URL`; owns new repositories", "", local="slipway"
    )


class ForgeAccounts(Group):
    """The users of that forge: with the token their SSH keys and roles are put there."""

    from_user = True

    admin_token: SecretStr = setting(
        "GITEA_ADMIN_TOKEN", "of a site administrator; scopes write:admin and read:user", UNSET
    )


class Login(Group):
    """Logins at a forge, beside passwords. Register Slipway there with the URL `<gateway>/dashboard/login/callback`."""

    from_user = True

    forge: Literal["", "gitea", "forgejo", "github", "gitlab"] = setting(
        "SLIPWAY_LOGIN_FORGE", "`gitea`, `forgejo`, `github` or `gitlab`; without it there are passwords alone", ""
    )
    url: Url = setting("SLIPWAY_LOGIN_URL", "the forge's URL; by default github.com, gitlab.com, or `GITEA_URL`", "")
    client: str = setting("SLIPWAY_LOGIN_CLIENT", "required with `SLIPWAY_LOGIN_FORGE`; the client's id there", "")
    secret: SecretStr = setting("SLIPWAY_LOGIN_SECRET", "required with it too; the client's secret", UNSET)

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.forge:
            self.require("client", "secret")
        return self


class Registry(Group):
    """Where images are."""

    url: str = setting(
        "REGISTRY_URL", "HOST[:PORT][/PATH]; `http://` before it means plain HTTP, the default for `*.svc`"
    )
    user: str = setting("REGISTRY_USER", "finds and deletes images", "")
    password: SecretStr = setting("REGISTRY_PASSWORD", "that user's password", UNSET)
    others: Words = setting(
        "SLIPWAY_IMAGE_REGISTRIES", "further registries whose public images may be deployed, by host, with commas", ()
    )


class Builds(Group):
    """Builds."""

    from_user = True

    strategy: Literal["auto", "buildpacks", "dockerfile"] = setting(
        "SLIPWAY_BUILD_STRATEGY", "`buildpacks`, `dockerfile`, or `auto`: a Dockerfile where there is one", "auto"
    )
    git_image: str = setting("SLIPWAY_GIT_IMAGE", "image that fetches the code; by default the Pipeline's", "")
    builder_image: str = setting("SLIPWAY_BUILDER_IMAGE", "image of the buildpacks; by default the Pipeline's", "")
    buildah_image: str = setting(
        "SLIPWAY_BUILDAH_IMAGE", "image that builds Dockerfiles; without it such a build fails and says so", ""
    )
    namespace: str = setting("SLIPWAY_BUILD_NAMESPACE", "where builds run", "slipway-builds")
    limit: Number = setting("SLIPWAY_BUILD_LIMIT", "seconds after which a build is stopped", 1800, local=900)
    storage: str = setting("SLIPWAY_BUILD_STORAGE", "disk of a build", "2Gi")
    places: Positive = setting("SLIPWAY_BUILD_PLACES", "builds that run at once; one machine only", 2)
    memory: str = setting("SLIPWAY_BUILD_MEMORY", "memory of all processes of a build; one machine only", "2Gi")
    processes: Count = setting(
        "SLIPWAY_BUILD_PROCESSES", "processes and threads of a build; 0 for no limit; one machine only", 1024
    )


class Releases(Group):
    """How a release goes live."""

    from_user = True

    steps: Percents = setting("SLIPWAY_CANARY_STEPS", "percents of traffic, growing to 100", (10, 25, 50, 100))
    pause: Number = setting("SLIPWAY_CANARY_PAUSE", "seconds between these steps", 30, local=2)
    health_path: str = setting("SLIPWAY_HEALTH_PATH", "where a new version must answer before it gets traffic", "/")
    health_limit: Number = setting("SLIPWAY_HEALTH_LIMIT", "seconds in which it must answer there", 120, local=60)
    command_limit: Number = setting("SLIPWAY_RELEASE_LIMIT", "seconds for a release command", 600)
    grace: Number = setting(
        "SLIPWAY_DRAIN_GRACE", "seconds in which an old version finishes its requests; one machine only", 10
    )


class Workloads(Group):
    """What apps run as, and where."""

    kind: Kind = setting(
        "SLIPWAY_DEPLOY_KIND",
        "`deployment`, `rollout` or `knative`; chosen at an app's first release, and kept",
        "rollout",
    )
    kinds: Kinds = setting("SLIPWAY_DEPLOY_KINDS", "kinds of single apps: `shop=knative,site=deployment`", {})
    traffic: Literal["replicas", "gateway"] = setting(
        "SLIPWAY_TRAFFIC",
        "what moves a Rollout's traffic: the number of pods, or `gateway`: exact weights, by Argo's Gateway API plugin",
        "replicas",
    )
    replicas: Positive = setting("SLIPWAY_REPLICAS", "pods of the web process; 10 % of the traffic needs ten", 2)
    cpu: str = setting("SLIPWAY_APP_CPU", "CPU that each pod of an app requests", "50m")
    memory: str = setting("SLIPWAY_APP_MEMORY", "memory that each pod of an app requests", "128Mi")
    memory_limit: str = setting("SLIPWAY_APP_MEMORY_LIMIT", "memory above which such a pod is killed", "512Mi")
    quota_cpu: str = setting("SLIPWAY_QUOTA_CPU", "CPU that the pods of an environment's namespace may request", "4")
    quota_memory: str = setting("SLIPWAY_QUOTA_MEMORY", "memory that they may request", "8Gi")
    shared_namespace: str = setting(
        "DEPLOY_NAMESPACE",
        "one namespace for all apps; without it each environment has its own, `app-<app>[--<preview>]`",
        "",
    )
    entrance: Literal["gateway", "ingress"] = setting(
        "SLIPWAY_ENTRANCE",
        "`ingress` needs `DEPLOY_NAMESPACE`, since an Ingress reads certificates of its own namespace",
        "gateway",
    )
    gateway: Namespaced = setting("SLIPWAY_GATEWAY", "NAMESPACE/NAME of the Gateway", "slipway-edge/slipway")
    gateway_section: str = setting(
        "SLIPWAY_GATEWAY_SECTION",
        "its listener that apps' routes attach to; empty: every one, also that of plain HTTP",
        "apps",
    )
    hsts: Number = setting(
        "SLIPWAY_HSTS",
        "seconds for which browsers use HTTPS alone (Strict-Transport-Security); 0 leaves the header to apps",
        31_536_000,
    )
    ingress_class: str = setting("SLIPWAY_INGRESS_CLASS", "class of Ingresses", "")
    pull_secret: str = setting("SLIPWAY_PULL_SECRET", "image pull Secret in apps' namespaces", "")
    callers: Words = setting(
        "SLIPWAY_APP_CALLERS",
        "namespaces whose pods may call apps, the gateway's among them; by default all but those of apps and builds",
        (),
    )
    egress_denied: Networks = setting(
        "SLIPWAY_APP_EGRESS_DENIED",
        "networks that apps do not reach: where clouds keep metadata, and private ones, where the cluster is",
        INTERNAL_NETWORKS,
    )
    egress_allowed: Networks = setting(
        "SLIPWAY_APP_EGRESS_ALLOWED", "parts of them that apps do reach, such as a database's: `10.0.5.0/24`", ()
    )

    @model_validator(mode="after")
    def _ingress_has_a_namespace(self) -> Self:
        if self.entrance == "ingress" and not self.shared_namespace:
            msg = "SLIPWAY_ENTRANCE=ingress needs DEPLOY_NAMESPACE: an Ingress reads certificates of its own namespace"
            raise SettingError(msg)
        return self


class Certificates(Group):
    """Certificates."""

    issuer: str = setting("DEPLOY_TLS_ISSUER", "[KIND/]NAME of cert-manager's issuer; ClusterIssuer by default")
    namespace: str = setting(
        "SLIPWAY_TLS_NAMESPACE", "where certificates are; by default the Gateway's, or `DEPLOY_NAMESPACE`", ""
    )


class Dns(Group):
    """DNS records."""

    provider: Literal["cloudflare", "none"] = setting(
        "SLIPWAY_DNS", "`none` when a wildcard record leads all names to the cluster", "cloudflare"
    )
    target: str = setting(
        "CLUSTER_IP", "required unless `SLIPWAY_DNS` is `none`; address or name that hosts lead to", ""
    )
    cloudflare_zone: str = setting("CLOUDFLARE_ZONE_ID", "required with `cloudflare`; the zone", "")
    cloudflare_token: SecretStr = setting(
        "CLOUDFLARE_API_TOKEN",
        "required with `cloudflare`; Zone:DNS:Edit on the zone. Slipway's records carry the comment `slipway:<app>`",
        UNSET,
    )
    cloudflare_proxied: bool = setting("CLOUDFLARE_PROXIED", "`true` sends traffic through Cloudflare", default=False)
    cloudflare_url: Url = setting("CLOUDFLARE_URL", "Cloudflare's API", "https://api.cloudflare.com/client/v4")

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.provider == "cloudflare":
            self.require("cloudflare_zone", "cloudflare_token", "target")
        return self


class Domains(Group):
    """Custom domains."""

    from_user = True

    proof: Literal["txt", "none"] = setting(
        "SLIPWAY_DOMAIN_PROOF",
        "`txt`: a TXT record must prove a domain, unless an administrator adds it; `none`: the first app has it",
        "txt",
    )
    resolvers: Words = setting(
        "SLIPWAY_RESOLVERS", "`ADDRESS[:PORT]` of DNS resolvers, with commas; by default the system's", ()
    )


class Notifications(Group):
    """Notifications."""

    from_user = True

    smtp_url: SecretStr = setting(
        "SMTP_URL",
        "`smtp://[USER:PASSWORD@]HOST[:PORT]`, with STARTTLS where the server offers it, or `smtps://`; for emails",
        UNSET,
    )
    sender: str = setting("SMTP_FROM", "required with `SMTP_URL`; the address that emails come from", "")
    internal: Names = setting(
        "SLIPWAY_NOTIFY_INTERNAL",
        "hosts, addresses and networks that notifications may go to although they are not public: "
        "`chat.example.org,10.0.0.0/8`",
        (),
    )

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if url := self.smtp_url.get_secret_value():
            _mail_server(url)
            self.require("sender")
        return self


class Limits(Group):
    """What Slipway ends or deletes by itself."""

    from_user = True

    releases: Count = setting(
        "SLIPWAY_KEEP_RELEASES", "releases of an environment whose images stay, beside the live one; 0 keeps all", 10
    )
    log_days: Count = setting(
        "SLIPWAY_KEEP_LOG_DAYS", "days after which logs of builds and ended releases go; one machine only", 30
    )
    push_deadline: Number = setting("SLIPWAY_PUSH_DEADLINE", "seconds after which a push that hangs is ended", 3600)
    preview_days: Number = setting("SLIPWAY_PREVIEW_MAX_AGE", "days without a push after which a preview is closed", 14)
    audit_days: Count = setting("SLIPWAY_KEEP_AUDIT_DAYS", "days after which audit entries go; 0 keeps all", 365)
    event_days: Count = setting(
        "SLIPWAY_KEEP_EVENT_DAYS",
        "days after which events, ended one-off commands, and tokens that ended go; 0 keeps all",
        90,
    )
    delivery_days: Count = setting("SLIPWAY_KEEP_DELIVERY_DAYS", "days after which webhooks go; 0 keeps all", 90)
    body_days: Count = setting(
        "SLIPWAY_KEEP_BODY_DAYS", "days after which their bodies go, which nothing reads again; 0 keeps all", 14
    )
    letter_days: Count = setting(
        "SLIPWAY_KEEP_DEAD_LETTER_DAYS", "days after which redriven and discarded dead letters go; 0 keeps all", 90
    )


class Clients(Group):
    """The addresses of clients, by which requests without a user are limited."""

    from_user = True

    proxies: Count = setting(
        "SLIPWAY_TRUSTED_PROXIES",
        "proxies before a function, those of Knative among them: so many entries at the end of X-Forwarded-For count",
        4,
        local=1,
    )


class Rates(Group):
    """How much is accepted; what is beyond is answered with 429 or a reason. 0 sets no limit."""

    from_user = True

    requests: Count = setting("SLIPWAY_API_RATE", "requests to the API a minute, of each user and platform token", 6000)
    anonymous: Count = setting(
        "SLIPWAY_ADDRESS_RATE",
        "requests to the API a minute that need no token, or have an unknown one; by address",
        600,
    )
    webhooks: Count = setting(
        "SLIPWAY_WEBHOOK_RATE",
        "webhooks a minute whose signature is wrong, by address; signed ones are not limited",
        60,
    )
    previews: Count = setting(
        "SLIPWAY_MAX_PREVIEWS", "open previews of an app; a push to one more branch is refused", 50
    )
    builds: Count = setting("SLIPWAY_MAX_BUILDS", "builds of an app that wait or run; the push of one more fails", 25)


class Sandbox(Group):
    """Isolation of builds and apps. One machine only."""

    from_user = True

    mode: Literal["auto", "required", "off"] = setting(
        "SLIPWAY_SANDBOX",
        "`auto`: the strongest that this machine allows; `required`: no start without namespaces; `off`: none",
        "auto",
    )
    user_range: UserRange = setting(
        "SLIPWAY_SANDBOX_USERS",
        "FIRST-LAST: numbers of users that nothing else has. As root, each app and build becomes one of them",
        "1900000000-1900009999",
    )
    paths: Words = setting(
        "SLIPWAY_SANDBOX_PATHS", "files and folders that all builds and apps may read, with commas", ()
    )
    app_processes: Count = setting(
        "SLIPWAY_APP_PROCESSES", "processes and threads of an app's process type; 0 for no limit", 2048
    )

    @property
    def users(self) -> range:
        """The numbers of the users."""
        first, _, last = self.user_range.partition("-")
        return range(int(first), int(last) + 1)


class Clock(Group):
    """The clock of one machine. On a cluster the schedule is that of reconcile's PingSource."""

    from_user = True

    seconds: Number = setting("SLIPWAY_LOCAL_CLOCK", "seconds between ticks; 0: as the PingSource says", 5)


class Broker(Group):
    """Where events go."""

    from_platform = True

    sink: Url = setting("K_SINK", "the Broker. A SinkBinding sets it when the Broker has an address", "")
    extensions: Annotated[dict[str, str], BeforeValidator(_extensions)] = setting(
        "K_CE_OVERRIDES", "extensions that the SinkBinding wants on every event", {}
    )
    token: SecretStr = setting(
        "SLIPWAY_EVENT_TOKEN", "what callers of the broker and of functions must send. Empty: anything", UNSET
    )
    token_file: Path = setting(
        "SLIPWAY_EVENT_TOKEN_FILE",
        "the token for the Broker, read for each event, where `authentication-oidc` is on. A SinkBinding writes it",
        Path("/oidc/token"),
    )


class Platform(Group):
    """Where Slipway runs."""

    from_platform = True

    name: Literal["kubernetes", "local"] = setting("SLIPWAY_PLATFORM", "`local` on one machine", "kubernetes")


class Local(Group):
    """The instance on one machine."""

    from_platform = True

    home: Path = setting("SLIPWAY_LOCAL_HOME", "the folder that holds all state")
    ssh_url: str = setting("SLIPWAY_SSH_URL", "git over SSH: `ssh://git@HOST:PORT`", "")


class GitServer(Group):
    """The git server of one machine."""

    from_platform = True

    url: Url = setting("SLIPWAY_GIT_URL", "git over HTTP", "")
    secret: SecretStr = setting("SLIPWAY_GIT_SECRET", "signs its webhooks, and announces its repositories alone", UNSET)


class Controller(Group):
    """The rollout controller of one machine."""

    from_platform = True

    runtime: Path = setting("SLIPWAY_LOCAL_RUNTIME", "the folder of unix sockets")
    functions: Annotated[dict[str, str], BeforeValidator(_texts)] = setting(
        "SLIPWAY_FUNCTIONS", "the URL of each function, as a JSON object", {}
    )


# Reading the groups from the environment.


def groups() -> list[type[Group]]:
    """Return all groups, in the order in which they are defined."""
    return [group for group in Group.__subclasses__() if group.__module__ == __name__]


def secret_names() -> set[str]:
    """Return the names of settings that are secrets: on a cluster keys of a Secret, all others of a ConfigMap."""
    fields = [field for group in groups() for field in group.model_fields.values()]
    return {field.alias for field in fields if field.annotation is SecretStr and field.alias}


def _once(group: type[G]) -> "cached_property[G]":
    return cached_property(lambda settings: settings.read(group))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one process. Each group is read at its first use, which raises SettingError."""

    environment: Mapping[str, str] = field(repr=False)

    database = _once(Database)
    apps = _once(Apps)
    encryption = _once(Encryption)
    gateway = _once(Gateway)
    dashboard = _once(Dashboard)
    streams = _once(Streams)
    webhooks = _once(Webhooks)
    forge = _once(Forge)
    sources = _once(Sources)
    forge_accounts = _once(ForgeAccounts)
    login = _once(Login)
    registry = _once(Registry)
    builds = _once(Builds)
    releases = _once(Releases)
    workloads = _once(Workloads)
    certificates = _once(Certificates)
    dns = _once(Dns)
    domains = _once(Domains)
    notifications = _once(Notifications)
    limits = _once(Limits)
    clients = _once(Clients)
    rates = _once(Rates)
    clock = _once(Clock)
    sandbox = _once(Sandbox)
    broker = _once(Broker)
    platform = _once(Platform)
    local = _once(Local)
    git_server = _once(GitServer)
    controller = _once(Controller)

    def read(self, group: type[G]) -> G:
        """Return a group. Raises SettingError naming every setting that is missing or wrong."""
        is_local = self.environment.get("SLIPWAY_PLATFORM") == "local"
        given: dict[str, object] = {}
        for one in group.model_fields.values():
            name = one.alias or ""
            if value := self.environment.get(name):
                given[name] = value
            elif is_local and isinstance(one.json_schema_extra, dict):
                given[name] = one.json_schema_extra["local"]
        try:
            return group.model_validate(given)
        except ValidationError as error:
            texts = [_explained(group, details) for details in error.errors(include_url=False)]
            raise SettingError("; ".join(texts)) from error

    def inherited(self) -> dict[str, str]:
        """Return what the platform on one machine passes on from its user to its processes. Raises SettingError."""
        local = Settings(environment={**self.environment, "SLIPWAY_PLATFORM": "local"})
        names = list[str]()
        for group in groups():
            if group.from_user:
                local.read(group)
                names += group.names()
        return {name: value for name in names if (value := self.environment.get(name))}


def _explained(group: type[Group], error: "ErrorDetails") -> str:
    name = str(error["loc"][0])
    if error["type"] == "missing":
        return str(_missing(name))
    cause = (error.get("ctx") or {}).get("error")
    wanted = str(cause) if isinstance(cause, ValueError) else error["msg"].removeprefix("Input should be ")
    is_secret = any(one.annotation is SecretStr for one in group.model_fields.values() if one.alias == name)
    given = "" if is_secret else f", not {error['input']!r}"
    return f"the setting {name} must be {wanted}{given}: {_REMEDY}"


def from_environment() -> Settings:
    """Return the settings of this process."""
    return Settings(environment=os.environ)  # noqa: TID251 - this is the one place
