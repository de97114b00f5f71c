"""Who calls, by address: what of it the caller cannot choose."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_ADDRESS = re.compile(r"\"?(?:\[([^\]]+)\](?::\d+)?|([0-9.]+):\d+|([^\"]+))\"?\Z")
_IPV6_NETWORK_BITS = 64
_LONGEST = 64


def client_address(forwarded: str, remote: str, *, proxies: int) -> str:
    """Return the client's address: of X-Forwarded-For the last `proxies` entries count, then who is connected.

    Proxies append the address that they see: the last public one was not written by the client. When there is none, a
    client of the local network asks, and its own entry is the first of those that count. A client can write what is
    before them.
    """
    entries = forwarded.split(",")[-proxies:] if proxies else []
    known = [address for entry in (*entries, remote) if (address := _ip(entry))]
    found = next((address for address in reversed(known) if address.is_global), known[0] if known else "")
    return str(found)


def network_of(address: str) -> str:
    """Return the address, of an IPv6 address its first 64 bits: who has one has all that begin so."""
    found = _ip(address)
    if found is None or isinstance(found, IPv4Address):
        return str(found or address[:_LONGEST])
    return str(ip_network((found, _IPV6_NETWORK_BITS), strict=False))


def _ip(entry: str) -> IPv4Address | IPv6Address | None:
    """Return the address of an entry, which some proxies write with a port or as IPv6; None when it has none.

    The entry of a proxy must not be passed over: the client writes what is before it.
    """
    match = _ADDRESS.match(entry.strip())
    try:
        found = ip_address(match[1] or match[2] or match[3]) if match else None
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
