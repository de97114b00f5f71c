"""Cloudflare's DNS records API, v4, and what its errors mean."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from functions.common.adapters.http_trust import trust
from functions.common.adapters.import_lock import IMPORT_LOCK
from functions.common.errors import Rejected, Unavailable

if TYPE_CHECKING:
    import httpx

URL = "https://api.cloudflare.com/client/v4"
TIMEOUT_SECONDS = 5.0
# "Record already exists" and "An identical record already exists": somebody else was as quick as we were.
ALREADY_THERE = frozenset({81057, 81058})
GONE = frozenset({81044})
_PAGE = 100
Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudflareApi:
    """The records of one zone; the token needs Zone:DNS:Edit on it."""

    zone: str
    token: str = field(repr=False)
    url: str = URL

    def records(self, **filters: str) -> Iterator[Record]:
        """Yield the records that pass the filters, from all pages."""
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
        """Return the answer; a failure with a code of `allow` is one. Raises Unavailable or Rejected."""
        with IMPORT_LOCK:
            import httpx  # noqa: PLC0415 - only a change of names needs it

        path = f"{self.url.rstrip('/')}/zones/{self.zone}/dns_records" + (f"/{record}" if record else "")
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            answer = httpx.request(
                method, path, params=query, json=body, headers=headers, timeout=TIMEOUT_SECONDS, verify=trust(path)
            )
            fields = _fields(answer)
        except httpx.HTTPError as error:
            msg = f"Cloudflare does not answer: {type(error).__name__}"
            raise Unavailable(msg) from error
        codes = {int(one.get("code") or 0) for one in fields.get("errors") or []}
        if not fields.get("success") and not codes & allow:
            _refuse(answer, fields)
        return fields


def _fields(answer: "httpx.Response") -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:  # a page of the network in between, not of the API
        found = None
    return found if isinstance(found, dict) else {}


def _refuse(answer: "httpx.Response", fields: dict[str, Any]) -> None:
    status = answer.status_code
    said = "; ".join(f"{one.get('message')} ({one.get('code')})" for one in fields.get("errors") or []) or str(status)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = answer.headers.get("retry-after", "")
        msg = f"Cloudflare wants fewer requests{f', and none for {wait} s' if wait else ''}; it is tried again"
        raise Unavailable(msg)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or not fields:
        msg = f"Cloudflare answers {said}; it is tried again"
        raise Unavailable(msg)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        msg = f"Cloudflare refuses CLOUDFLARE_API_TOKEN ({said}): give it Zone:DNS:Edit on the zone"
        raise Rejected(msg)
    msg = f"Cloudflare refuses: {said}; see CLOUDFLARE_ZONE_ID and the zone's records"
    raise Rejected(msg)
