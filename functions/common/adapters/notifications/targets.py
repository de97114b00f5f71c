"""Which addresses notifications may be sent to: users choose the targets, the platform's network is not theirs."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from functions.common.errors import Rejected, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """`internal` names hosts, addresses and networks that may be called although they are not public."""

    internal: Sequence[str] = ()

    def address_of(self, host: str, port: int) -> str:
        """Return the address to connect to, so that a later change of the name's address leads nowhere else.

        Raises Unavailable when the name cannot be resolved now, Rejected when an address of it is not public.
        """
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            msg = f"the host {host} of the notification's target has no address"
            raise Unavailable(msg) from error
        addresses = [ip_address(str(one[4][0]).partition("%")[0]) for one in found]
        if host.lower() not in self.internal:
            for address in addresses:
                self._check(host, address)
        return str(addresses[0])

    def _check(self, host: str, address: IPv4Address | IPv6Address) -> None:
        mapped = getattr(address, "ipv4_mapped", None) or address
        if mapped.is_global and not mapped.is_multicast:
            return
        if any(mapped in network for network in map(_network, self.internal) if network):
            return
        msg = f"{host} is not a public address: an operator can allow it by SLIPWAY_NOTIFY_INTERNAL"
        raise Rejected(msg)


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text)
    except ValueError:
        return None
