"""Where apps answer."""

from dataclasses import dataclass

HTTPS_PORT = 443


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """`domain` is the default domain, below which each environment has a host; `port` serves HTTPS."""

    domain: str
    port: int = HTTPS_PORT

    def host(self, label: str) -> str:
        """Return the host of an environment by its label."""
        return f"{label}.{self.domain}"

    def url(self, host: str) -> str:
        """Return the URL of a host, a custom domain's too."""
        port = "" if self.port == HTTPS_PORT else f":{self.port}"
        return f"https://{host}{port}/"
