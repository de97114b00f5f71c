"""Where apps answer."""

import re
from dataclasses import dataclass

from functions.common.errors import Rejected

_HOST = re.compile(r"^(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """`domain` is the default domain, `port` that of the ingress, empty for HTTPS's own."""

    domain: str
    port: str = ""

    def of(self, label: str) -> str:
        """Return the host of an environment's label."""
        return f"{label}.{self.domain}"

    def url(self, host: str) -> str:
        """Return the host's URL."""
        return f"https://{host}{f':{self.port}' if self.port else ''}/"

    def checked_custom(self, host: str) -> str:
        """Return the host in lower case. Raises Rejected when it is no host, or one below the default domain."""
        name = host.strip().rstrip(".").lower()
        if not _HOST.match(name):
            msg = f"{host!r} is no host name: give one like www.example.org (international names in their xn-- form)"
            raise Rejected(msg)
        if name == self.domain or name.endswith("." + self.domain):
            msg = (
                f"{name} lies below {self.domain}, whose names are given out by the platform: choose a host of your own"
            )
            raise Rejected(msg)
        return name
