"""The one place that reads the environment: every setting, its meaning and its default.

Plain dataclasses rather than a settings library: importing one costs more than half of a function's
cold start.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from functions.common.errors import SlipwayError


class SettingError(SlipwayError):
    """A setting is missing or unusable; the text names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Values as they stand in the environment; `required` names what is missing."""

    environment: Mapping[str, str] = field(repr=False)

    def optional(self, name: str, default: str = "") -> str:
        """Return a setting, or the default when it is unset or empty."""
        return self.environment.get(name, "") or default

    def required(self, name: str) -> str:
        """Return a setting. Raises SettingError when it is unset or empty."""
        value = self.optional(name)
        if not value:
            msg = f"the setting {name} is missing: set it in the Secret or environment of this function"
            raise SettingError(msg)
        return value

    def number(self, name: str, default: float) -> float:
        """Return a setting as a number. Raises SettingError when it is none."""
        text = self.optional(name)
        try:
            return float(text) if text else default
        except ValueError as error:
            msg = f"the setting {name} must be a number, not {text!r}"
            raise SettingError(msg) from error

    @property
    def database_url(self) -> str:
        """postgresql://USER:PASSWORD@HOST:PORT/NAME."""
        return self.required("DATABASE_URL")

    @property
    def sink_url(self) -> str:
        """Where events go; empty until a SinkBinding sets it, which it does when the Broker has an address."""
        return self.optional("K_SINK")

    @property
    def sink_extensions(self) -> dict[str, str]:
        """Extensions that SinkBinding wants on every event."""
        text = self.optional("K_CE_OVERRIDES", "{}")
        try:
            extensions = json.loads(text).get("extensions") or {}
        except (ValueError, AttributeError) as error:
            msg = f'the setting K_CE_OVERRIDES must be JSON {{"extensions": {{...}}}}, not {text!r}'
            raise SettingError(msg) from error
        return {str(name): str(value) for name, value in extensions.items()}

    def webhook_secret(self, provider: str) -> str:
        """The secret of a forge's webhooks: <PROVIDER>_WEBHOOK_SECRET, else PAAS_WEBHOOK_SECRET; empty when none."""
        return self.optional(f"{provider.upper()}_WEBHOOK_SECRET", self.optional("PAAS_WEBHOOK_SECRET"))

    @property
    def default_domain(self) -> str:
        """Apps answer at <label>.<this>."""
        return self.required("DEFAULT_DOMAIN")

    @property
    def platform(self) -> str:
        """Which adapters run builds and releases: `local` or `kubernetes`."""
        return self.optional("SLIPWAY_PLATFORM", "kubernetes")

    @property
    def local_home(self) -> str:
        """The state folder of the one-machine platform."""
        return self.required("SLIPWAY_LOCAL_HOME")


def from_environment() -> Settings:
    """Return the settings of this process."""
    return Settings(environment=os.environ)  # noqa: TID251 - this is the one place
