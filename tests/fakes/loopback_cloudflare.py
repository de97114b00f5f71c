"""Cloudflare's DNS records on this machine; answers and errors have the form of recorded ones (August 2025)."""

from typing import Any

from tests.fakes.loopback import Call, Reply

ZONE, TOKEN = "457dd20dded351b97830cb528f507819", "a-token"
_DEFAULTS: dict[str, Any] = {"proxied": False, "comment": None, "tags": [], "settings": {}, "meta": {}}


class LoopbackCloudflare:
    """One zone; `records` by id, `calls` are method and path, `failures` are answered first."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.failures: list[Reply] = []
        self.page = 100

    def answer(self, call: Call) -> Reply:
        """Answer a call below /zones/ZONE/dns_records."""
        self.calls.append(call.method)
        if self.failures:
            return self.failures.pop(0)
        if call.headers.get("authorization") != f"Bearer {TOKEN}":
            return refusal(403, 10000, "Authentication error")
        base, _, record = call.path.partition("/dns_records")
        if base != f"/zones/{ZONE}":
            return refusal(404, 7003, "Could not route to the zone, perhaps your object identifier is invalid?")
        return self._records(call, record.strip("/"))

    def add(self, **fields: object) -> dict[str, Any]:
        """Add a record, as by hand."""
        record: dict[str, Any] = {**_DEFAULTS, "id": f"{len(self.records) + 1:032x}", "ttl": 1, **fields}
        self.records[str(record["id"])] = record
        return record

    def _records(self, call: Call, record: str) -> Reply:
        if call.method == "GET":
            return self._list(call)
        if call.method == "POST":
            return self._create(call.body)
        if record not in self.records:
            return refusal(404, 81044, "Record does not exist.")
        if call.method == "DELETE":
            return success({"id": self.records.pop(record)["id"]})
        assert call.method == "PATCH", "PUT would reset what is left out"
        self.records[record] |= call.body
        return success(self.records[record])

    def _list(self, call: Call) -> Reply:
        found = [
            one
            for one in self.records.values()
            if one["name"] == call.query.get("name.exact", one["name"])
            and (one["comment"] or "").startswith(call.query.get("comment.startswith", ""))
        ]
        size, page = min(self.page, int(call.query["per_page"])), int(call.query["page"])
        shown = found[(page - 1) * size : page * size]
        info = {"page": page, "per_page": size, "count": len(shown), "total_count": len(found)}
        return success(shown, result_info={**info, "total_pages": max(1, -(-len(found) // size))})

    def _create(self, body: dict[str, Any]) -> Reply:
        for one in self.records.values():
            if (one["name"], one["type"], one["content"]) == (body["name"], body["type"], body["content"]):
                return refusal(400, 81058, "An identical record already exists.")
            if one["name"] == body["name"] and "CNAME" in {one["type"], body["type"]}:
                return refusal(400, 81053, "An A, AAAA, or CNAME record with that host already exists.")
        return success(self.add(**body))


def success(result: Any, **more: Any) -> Reply:  # noqa: ANN401 - JSON
    """Return Cloudflare's envelope of a success."""
    return Reply(status=200, body={"result": result, "success": True, "errors": [], "messages": [], **more})


def refusal(status: int, code: int, message: str) -> Reply:
    """Return Cloudflare's envelope of a failure."""
    errors = [{"code": code, "message": message}]
    return Reply(status=status, body={"result": None, "success": False, "errors": errors, "messages": []})
