"""Releases: an image digest with config, numbered per environment; and the workloads that run them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

WEB = "web"
RELEASE_COMMAND = "release"


class ReleaseState(StrEnum):
    """`STARTED` can change to any other state, `LIVE` to `RETIRED` when a newer release becomes live."""

    STARTED = "started"
    LIVE = "live"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    RETIRED = "retired"


class ReleaseKind(StrEnum):
    """What caused a release."""

    PUSH = "push"
    CONFIG = "config"
    ROLLBACK = "rollback"
    DEPLOY = "deploy"
    RESTART = "restart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """`sequence` is that of the push whose image it runs. `config` has encrypted secrets: never log or publish it."""

    app: str
    environment: str
    number: int
    kind: ReleaseKind
    digest: str
    image: str
    sha: str
    push: str
    sequence: int
    processes: dict[str, str] = field(default_factory=dict)
    config: dict[str, str] = field(default_factory=dict, repr=False)
    state: ReleaseState = ReleaseState.STARTED
    step: str = ""
    reason: str = ""
    note: str = ""
    created_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What each process of an app may use, as Kubernetes writes it, and the port of its web process.

    Empty values and 0 stand for the platform's defaults.
    """

    cpu: str = ""
    memory: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What a deployer shall run for one environment; it reports with workload.changed events.

    The release command (`processes["release"]`) runs first, and its failure ends the release. The web process must
    answer its health check before it gets traffic. The traffic then moves by `steps`, in percent.

    `replicas` has the numbers of the process types that are scaled, see `wanted_processes`; `cpu`, `memory` and `port`
    are empty or 0 where the deployer's defaults apply. With `maintenance` visitors get a page with 503 while everything
    runs on.
    """

    app: str
    environment: str
    label: str
    hosts: tuple[str, ...]
    release: int
    push: str
    sha: str
    digest: str
    image: str
    processes: dict[str, str]
    config: dict[str, str] = field(repr=False)
    health_path: str = "/"
    steps: tuple[int, ...] = (10, 25, 50, 100)
    replicas: dict[str, int] = field(default_factory=dict)
    cpu: str = ""
    memory: str = ""
    port: int = 0
    maintenance: bool = False


def wanted_processes(process: str, replicas: Mapping[str, int], *, web: int) -> int:
    """Return how many processes of a type are wanted: `web` of the web process until it is scaled, and no others."""
    return replicas.get(process, web if process == WEB else 0)


class WorkloadPhase(StrEnum):
    """The phases that a deployer reports for a release, in this order; the last two are final."""

    RELEASING = "releasing"
    STARTING = "starting"
    SHIFTING = "shifting"
    LIVE = "live"
    FAILED = "failed"
