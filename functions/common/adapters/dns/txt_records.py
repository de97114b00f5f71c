"""TXT records, by dnspython."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.common.adapters.lazy import lazy
from functions.common.errors import Unavailable

if TYPE_CHECKING:
    from dns import exception, nameserver, resolver
else:  # 60 ms
    exception = lazy("dns.exception")
    nameserver = lazy("dns.nameserver")
    resolver = lazy("dns.resolver")

SECONDS = 5.0
_PORT = 53


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsTxtRecords:
    """TxtRecords by the resolvers at `servers` (`ADDRESS` or `ADDRESS:PORT`), by the system's if there are none."""

    servers: Sequence[str] = ()

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values of the TXT records at a name; see TxtRecords."""
        try:
            found = self._resolver().resolve(name, "TXT", lifetime=SECONDS, search=False)
        except (resolver.NXDOMAIN, resolver.NoAnswer):
            return ()
        except (exception.DNSException, OSError) as error:
            msg = f"the DNS does not answer for {name} ({type(error).__name__}): try again, or set SLIPWAY_RESOLVERS"
            raise Unavailable(msg) from error
        return tuple(b"".join(one.strings).decode(errors="replace") for one in found)

    def _resolver(self) -> "resolver.Resolver":
        chosen = resolver.Resolver(configure=not self.servers)
        if self.servers:
            chosen.nameservers = [_server(one) for one in self.servers]
        return chosen


def _server(text: str) -> "nameserver.Nameserver":
    host, colon, port = text.rpartition(":")
    is_bare = not colon or (":" in host and not host.endswith("]"))  # an IPv6 address has colons of its own
    address = (text if is_bare else host).strip("[]")
    return nameserver.Do53Nameserver(address, _PORT if is_bare else int(port))
