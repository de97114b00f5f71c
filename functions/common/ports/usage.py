"""What apps use, and how much the platform does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyUsage:
    """What one app used in a month (UTC), previews too. A build counts in the month in which it started."""

    month: date
    builds: int
    build_seconds: float
    releases: int


class Usage(Protocol):
    """Sums up what apps used."""

    def of_app(self, app: str, *, months: int) -> tuple[MonthlyUsage, ...]:
        """Return the last months, this one first; months without anything are there too."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Bytes on the disk of one kind; `app` is empty for what belongs to no app alone."""

    kind: str
    app: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSpace:
    """What holds how much, the largest first, and the bytes that are free."""

    holdings: tuple[Holding, ...]
    free: int


class DiskUsage(Protocol):
    """Measures the disk that the platform uses."""

    def measure(self) -> DiskSpace | None:
        """Return what holds how much, None where the platform has no disk of its own."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformTotals:
    """Totals of the whole platform, as far back as its rows go. Durations are in seconds.

    `deliveries` are by provider and outcome; `pushes`, `builds` and `releases` by state.
    """

    deliveries: Mapping[tuple[str, str], int] = field(default_factory=dict)
    pushes: Mapping[str, int] = field(default_factory=dict)
    builds: Mapping[str, int] = field(default_factory=dict)
    build_seconds: Mapping[str, float] = field(default_factory=dict)
    releases: Mapping[str, int] = field(default_factory=dict)
    live_seconds: float = 0.0
    apps: int = 0
    environments: int = 0
    dead_letters: int = 0
    unpublished: int = 0
    oldest_unpublished_seconds: float = 0.0
    oldest_open_push_seconds: float = 0.0


class Totals(Protocol):
    """Reads the totals."""

    def read(self) -> PlatformTotals:
        """Return the totals now."""
        ...
