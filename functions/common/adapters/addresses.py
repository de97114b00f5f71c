"""Which addresses may be called on behalf of users: they choose the hosts, the platform's network is not theirs."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from functions.common.domain.git_url import GitUrl
from functions.common.errors import Rejected, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAddresses:
    """`internal` names hosts, addresses and networks that may be called although they are not public.

    `setting` is what an operator writes them into.
    """

    setting: str
    internal: Sequence[str] = ()

    def address_of(self, host: str, port: int) -> str:
        """Return the address to connect to, so that a later change of the name's address leads nowhere else.

        Raises Unavailable when the name cannot be resolved now, Rejected when an address of it is not public.
        """
        return self.addresses_of(host, port)[0]

    def addresses_of(self, host: str, port: int) -> tuple[str, ...]:
        """Return all addresses of a host; raises as `address_of`."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            msg = f"the host {host} has no address"
            raise Unavailable(msg) from error
        addresses = [ip_address(str(one[4][0]).partition("%")[0]) for one in found]
        if host.lower() not in self.internal:
            for address in addresses:
                self._check(host, address)
        return tuple(dict.fromkeys(map(str, addresses)))

    def _check(self, host: str, address: IPv4Address | IPv6Address) -> None:
        meant = _meant(address)
        if _is_public(meant):
            return
        if any(meant in network for network in map(_network, self.internal) if network):
            return
        msg = f"{host} is not a public address: an operator can allow it by {self.setting}"
        raise Rejected(msg)


# IPv6 addresses that a translator or tunnel of the network turns into the IPv4 address in their last 32 bits.
_TRANSLATED = tuple(map(IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")))
_UNICAST = IPv6Network("2000::/3")  # beside it nothing of IPv6 is public
_IPV4_BITS = 32


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address carries, where the network may deliver to that."""
    if isinstance(address, IPv4Address):
        return address
    if any(address in network for network in _TRANSLATED):
        return IPv4Address(int(address) % 2**_IPV4_BITS)
    return address.sixtofour or address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    return address.is_global and not address.is_multicast


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text)
    except ValueError:
        return None


# Hosts of git repositories.

GIT_SETTING = "SLIPWAY_GIT_INTERNAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHosts:
    """SourceHosts: public hosts, those that an operator names, and the platform's own servers at `trusted`."""

    addresses: PublicAddresses
    trusted: Sequence[str] = ()

    def check(self, url: GitUrl) -> None:
        """Raise Rejected when the host's address is not public; see SourceHosts."""
        try:
            self.addresses_of(url)
        except Unavailable:  # it is checked again, and resolved, before anything is fetched
            return

    def addresses_of(self, url: GitUrl) -> tuple[str, ...]:
        """Return the addresses that may be fetched from; none for the platform's own servers: any.

        Raises Unavailable when the name cannot be resolved now, Rejected when it may not be called.
        """
        if any(url.is_at(one) for one in self.trusted if one):
            return ()
        return self.addresses.addresses_of(url.host, url.port)


def git_hosts(*, internal: Sequence[str], trusted: Sequence[str]) -> GitHosts:
    """Return the hosts that may be fetched from."""
    return GitHosts(addresses=PublicAddresses(internal=internal, setting=GIT_SETTING), trusted=tuple(trusted))


def pinned(url: GitUrl, addresses: Sequence[str]) -> str:
    """Return git's setting http.curloptResolve, which connects to these addresses alone; empty where it has no effect.

    A name may have another address a moment later, that of this machine or of the cloud's metadata.
    """
    if not url.is_web or not addresses or _network(url.host):
        return ""
    shown = ",".join(f"[{one}]" if ":" in one else one for one in addresses)
    return f"{url.host}:{url.port}:{shown}"
