"""Where an app answers."""

from dataclasses import dataclass

HTTPS = 443


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The domain under which apps answer, and the port (0: the usual one)."""

    domain: str
    port: int = 0

    def url(self, label: str) -> str:
        """Return the URL of an environment by its label."""
        port = f":{self.port}" if self.port not in {0, HTTPS} else ""
        return f"https://{label}.{self.domain}{port}/"
