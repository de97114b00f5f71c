"""Where a status leads."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Links to the API at `gateway`; without one, statuses lead nowhere."""

    gateway: str = ""

    def app(self, name: str) -> str:
        """Return the URL of what the API knows of an app."""
        return f"{self.gateway.rstrip('/')}/v1/apps/{name}" if self.gateway else ""
