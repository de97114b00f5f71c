"""DnsZone of a Cloudflare zone; our mark is the record's comment, `slipway:<app>`."""

from dataclasses import dataclass
from ipaddress import ip_address

from functions.common.adapters.cloudflare_api import ALREADY_THERE, GONE, CloudflareApi, Record
from functions.common.errors import Rejected
from functions.common.ports.dns_zone import DnsAction, DnsRecord

MARK = "slipway:"
_LEADING = frozenset({"A", "AAAA", "CNAME"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudflareDnsZone:
    """DnsZone; hosts lead to `target`, an address or a name."""

    api: CloudflareApi
    target: str
    proxied: bool = False

    def ensure(self, host: str, *, owner: str) -> DnsAction:
        """Make the host lead here; see DnsZone. What is right already costs one read."""
        there, wanted = self._ours(host), self._wanted(host, owner)
        if not there:
            self.api.call("POST", body=wanted, allow=ALREADY_THERE)
            return DnsAction.CREATED
        for extra in there[1:]:  # a second address would get half of the requests
            self.api.call("DELETE", extra["id"], allow=GONE)
        if len(there) == 1 and all(there[0].get(name) == value for name, value in wanted.items()):
            return DnsAction.UNCHANGED
        if there[0]["type"] == wanted["type"]:
            self.api.call("PATCH", there[0]["id"], body=wanted)
        else:  # a type cannot turn into another beside itself
            self.api.call("DELETE", there[0]["id"], allow=GONE)
            self.api.call("POST", body=wanted, allow=ALREADY_THERE)
        return DnsAction.UPDATED

    def withdraw(self, host: str, *, owner: str) -> DnsAction:  # noqa: ARG002 - any mark of ours will do
        """Delete the host's records when they are ours; see DnsZone."""
        there = self._ours(host)
        for record in there:
            self.api.call("DELETE", record["id"], allow=GONE)
        return DnsAction.DELETED if there else DnsAction.UNCHANGED

    def owned(self) -> tuple[DnsRecord, ...]:
        """Return every record that carries our mark; see DnsZone."""
        found = [_record(one) for one in self.api.records(**{"comment.startswith": MARK})]
        return tuple(sorted((one for one in found if one.owner), key=lambda one: one.host))

    def _ours(self, host: str) -> list[Record]:
        """Return the records that lead the host anywhere. Raises Rejected when one is not ours."""
        there = [one for one in self.api.records(**{"name.exact": host}) if one.get("type") in _LEADING]
        for one in there:
            if not _record(one).owner:
                msg = (
                    f"a DNS record for {host} is there that Slipway did not make ({one['type']} {one['content']}): "
                    "delete it, or choose another host"
                )
                raise Rejected(msg)
        return there

    def _wanted(self, host: str, owner: str) -> Record:
        comment = f"{MARK}{owner}"
        return {
            "type": _type(self.target),
            "name": host,
            "content": self.target,
            "ttl": 1,  # automatic
            "proxied": self.proxied,
            "comment": comment,
        }


def _type(target: str) -> str:
    try:
        return "A" if ip_address(target).version == 4 else "AAAA"  # noqa: PLR2004 - IP's own
    except ValueError:
        return "CNAME"


def _record(one: Record) -> DnsRecord:
    comment = str(one.get("comment") or "")
    owner = comment.removeprefix(MARK) if comment.startswith(MARK) else ""
    return DnsRecord(host=str(one["name"]), type=str(one["type"]), content=str(one["content"]), owner=owner)
