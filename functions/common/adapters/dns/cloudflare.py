"""Cloudflare DNS: records with Slipway's mark."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

from functions.common.adapters.http_client import HttpClient
from functions.common.ports.network import DnsAction, DnsRecord, foreign_record

URL = "https://api.cloudflare.com/client/v4"
# "Record already exists" and "An identical record already exists": another call has just created it.
ALREADY_THERE = frozenset({81057, 81058})
GONE = frozenset({81044})
_PAGE = 100
_ACCESS = "give CLOUDFLARE_API_TOKEN Zone:DNS:Edit on the zone"
_REMEDIES: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: "see CLOUDFLARE_ZONE_ID and the zone's records",
    HTTPStatus.UNAUTHORIZED: _ACCESS,
    HTTPStatus.FORBIDDEN: _ACCESS,
    HTTPStatus.NOT_FOUND: "see CLOUDFLARE_ZONE_ID",
}
Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudflareApi:
    """The DNS records API (v4) of one zone; the token needs Zone:DNS:Edit on it."""

    zone: str
    token: str = field(repr=False)
    url: str = URL

    def records(self, **filters: str) -> Iterator[Record]:
        """Yield the records that match the filters, from all pages."""
        page = 1
        while True:
            answer = self.call("GET", query={**filters, "page": str(page), "per_page": str(_PAGE)})
            yield from answer.get("result") or []
            if page >= int((answer.get("result_info") or {}).get("total_pages") or 1):
                return
            page += 1

    def call(
        self,
        method: str,
        record: str = "",
        *,
        query: dict[str, str] | None = None,
        body: Record | None = None,
        allow: frozenset[int] = frozenset(),
    ) -> dict[str, Any]:
        """Return the answer; error codes of `allow` count as success. Raises Unavailable or Rejected."""
        client = HttpClient(
            service="Cloudflare",
            url=self.url,
            headers={"Authorization": f"Bearer {self.token}"},
            remedies=_REMEDIES,
        )
        path = f"/zones/{self.zone}/dns_records" + (f"/{record}" if record else "")
        answer = client.call(method, path, query=query, body=body)
        fields = answer.object()
        errors = _errors(fields)
        if not fields.get("success") and not allow.intersection(errors):
            said = "; ".join(f"{message} ({code})" for code, message in errors.items())
            raise client.refusal(answer, "the records of the zone", said=said)
        return fields


def _errors(fields: dict[str, Any]) -> dict[int, str]:
    """Return the messages of an answer's errors by their codes."""
    return {int(one.get("code") or 0): str(one.get("message")) for one in fields.get("errors") or []}


MARK = "slipway:"
_POINTING = frozenset({"A", "AAAA", "CNAME"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudflareDnsZone:
    """DnsZone of a Cloudflare zone; hosts point to `target`, an address or a name.

    The mark is the comment of a record: `slipway:<app>`.
    """

    api: CloudflareApi
    target: str
    proxied: bool = False

    def ensure(self, host: str, *, owner: str) -> DnsAction:
        """Point the host to the target; see DnsZone. A correct record costs one read."""
        found, wanted = self._owned(host), self._wanted(host, owner)
        if not found:
            self.api.call("POST", body=wanted, allow=ALREADY_THERE)
            return DnsAction.CREATED
        for extra in found[1:]:  # a second address would get half of the requests
            self.api.call("DELETE", extra["id"], allow=GONE)
        if len(found) == 1 and all(found[0].get(name) == value for name, value in wanted.items()):
            return DnsAction.UNCHANGED
        if found[0]["type"] == wanted["type"]:
            self.api.call("PATCH", found[0]["id"], body=wanted)
        else:  # a record's type cannot change
            self.api.call("DELETE", found[0]["id"], allow=GONE)
            self.api.call("POST", body=wanted, allow=ALREADY_THERE)
        return DnsAction.UPDATED

    def delete(self, host: str) -> DnsAction:
        """Delete the host's records; see DnsZone."""
        found = self._owned(host)
        for record in found:
            self.api.call("DELETE", record["id"], allow=GONE)
        return DnsAction.DELETED if found else DnsAction.UNCHANGED

    def owned(self) -> tuple[DnsRecord, ...]:
        """Return every record with the mark; see DnsZone."""
        found = [_record(one) for one in self.api.records(**{"comment.startswith": MARK})]
        return tuple(sorted((one for one in found if one.owner), key=lambda one: one.host))

    def _owned(self, host: str) -> list[Record]:
        """Return the host's address and alias records. Raises Rejected when one lacks the mark."""
        found = [one for one in self.api.records(**{"name.exact": host}) if one.get("type") in _POINTING]
        for record in map(_record, found):
            if not record.owner:
                raise foreign_record(record)
        return found

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
