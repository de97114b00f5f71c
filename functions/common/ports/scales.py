"""How many processes an environment wants, what each may use, and how many of them run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from functions.common.domain.release import Limits


class Scales(Protocol):
    """Stores the wanted numbers of process types; those that are not stored have the platform's default."""

    def read(self, app: str, environment: str) -> dict[str, int]:
        """Return process type -> number."""
        ...

    def change(self, app: str, environment: str, replicas: Mapping[str, int]) -> tuple[str, ...]:
        """Set some numbers and return the process types whose number is another one now, sorted."""
        ...


class Maintenance(Protocol):
    """Stores which environments show a maintenance page."""

    def is_on(self, app: str, environment: str) -> bool:
        """Return whether the page is shown."""
        ...

    def switch(self, app: str, environment: str, *, on: bool) -> bool:
        """Switch the page; False when nothing changed."""
        ...


class AppLimits(Protocol):
    """Stores what each process of an app may use."""

    def read(self, app: str) -> Limits:
        """Return the limits."""
        ...

    def change(self, app: str, limits: Limits) -> tuple[str, ...]:
        """Set the limits and return the names of those that changed, sorted."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What a platform runs: the web processes of an app that is not scaled, and the most of one process type.

    `is_elastic` when web processes follow the number of requests, down to none, unless they are scaled.
    `has_maintenance` when it can show visitors a maintenance page.
    `config_bytes` is how much config an environment may have, see domain/config.py.
    `notes` say which limits the platform cannot enforce as Kubernetes does.
    """

    replicas: int
    most: int
    config_bytes: int
    is_elastic: bool = False
    has_maintenance: bool = False
    notes: tuple[str, ...] = ()


class ProcessCounts(Protocol):
    """Counts what runs."""

    def capacity(self, app: str) -> Capacity:
        """Return what the platform runs for an app."""
        ...

    def ready(self, app: str, environment: str) -> dict[str, int]:
        """Return for each process type that runs how many of its processes are ready."""
        ...
