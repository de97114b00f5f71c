"""A release: image digest and config, numbered per environment; and the workload that it asks for."""

from dataclasses import dataclass, field
from enum import StrEnum


class ReleaseState(StrEnum):
    """`STARTED` is the only state that may change, but for `LIVE`, which a newer live release makes `RETIRED`."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """`sequence` is that of the push whose image it runs; `config` holds secrets: never log or publish it."""

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
class Workload:
    """What is to run for one environment: a deployer makes it so and reports with workload.changed events.

    The release command (`processes["release"]`) runs first and its failure stops the release; the web
    process must answer its health check before it gets traffic; traffic then moves by `steps` percent.
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


class WorkloadPhase(StrEnum):
    """What a deployer reports of one release of a workload, in this order; the last two are final."""

    RELEASING = "releasing"
    STARTING = "starting"
    SHIFTING = "shifting"
    LIVE = "live"
    FAILED = "failed"
