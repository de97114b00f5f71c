"""The config of apps: environment variables, most of them secrets."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol


class ConfigScope(StrEnum):
    """Which environments get a value."""

    PRODUCTION = "production"
    PREVIEW = "preview"


class ConfigVars(Protocol):
    """Keeps values; whoever reads them must not log, publish or answer them."""

    def read(self, app: str, scope: ConfigScope) -> dict[str, str]:
        """Return key -> value."""
        ...

    def change(self, app: str, scope: ConfigScope, changes: Mapping[str, str | None]) -> tuple[str, ...]:
        """Set values, unset those that are None, and return the keys whose value is another now, sorted."""
        ...
