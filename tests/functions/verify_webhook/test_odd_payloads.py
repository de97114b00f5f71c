"""Whatever value any field of any payload has, the webhook is read, ignored or refused, and nothing else happens."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest

from functions.common.domain.delivery import Provider, Webhook
from functions.verify_webhook.app import FORGES
from functions.verify_webhook.handler import Signed, read
from functions.verify_webhook.trust import ForgeHosts
from functions.verify_webhook.webhook import claim_of
from tests.webhook_sender import PAYLOADS, PUSHES, forge_headers

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ODD: tuple[object, ...] = (
    None,
    True,
    7,
    -(10**30),
    1.5,
    "",
    "x",
    "x" * 5000,
    "\ud800\0",
    "0" * 40,
    "refs/heads/",
    [],
    [None],
    {},
    {"a": 1},
)
_KINDS = {"pull": "pull_request", "delete": "delete", "create": "create", "ping": "ping"}
_GITLAB = {"push": "Push Hook", "merge": "Merge Request Hook", "system": "System Hook"}


def replaced(value: Any) -> Iterator[Any]:  # noqa: ANN401 - any JSON
    """Yield the value with each thing in it, one at a time, replaced by each odd one."""
    yield from ODD
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from ({**value, name: odd} for odd in replaced(inner))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from ([*value[:index], odd, *value[index + 1 :]] for odd in replaced(inner))


@pytest.mark.parametrize("path", sorted(PAYLOADS.rglob("*.json")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_payload_with_any_value_is_read_ignored_or_refused(path: Path) -> None:
    provider, first = Provider(path.parent.name), path.stem.partition("-")[0]
    kind = _GITLAB[first] if provider is Provider.GITLAB else _KINDS.get(first, PUSHES[provider])
    headers = {name.lower(): value for name, value in forge_headers(provider, kind, "d-1", b"").items()}
    for payload in replaced(json.loads(path.read_bytes())):
        webhook = Webhook(provider=provider, headers=headers, body=json.dumps(payload).encode(), remote="192.0.2.1")

        signed = Signed(by="", delivery_id="d-1", now=NOW)
        delivery, _ = read(webhook, claim_of(webhook, FORGES), FORGES, hosts=ForgeHosts(), signed=signed)

        assert len(delivery.sha) in {0, 40, 64}
        assert bool(delivery.event) != bool(delivery.reason)
        kept = (delivery.event or "") + delivery.reason
        assert "\0" not in kept
        assert len(kept.encode()) < 20_000


_SIZE = 8 * 1024 * 1024


def _full_of(value: bytes, begin: bytes = b'{"commits":[', end: bytes = b"0]}") -> Callable[[], bytes]:
    return lambda: begin + value * (_SIZE // len(value)) + end


@pytest.mark.parametrize(
    "body",
    [
        _full_of(b"{},"),
        _full_of(b"[],"),
        _full_of(b"1,"),
        _full_of(b'"ab",'),
        _full_of(b'{"a":1},'),
        _full_of(b"[", b"", b""),
        _full_of(b"%7B", b"payload=", b""),
        _full_of(b"1%2C", b"payload=%7B%22a%22:[", b"1]%7D"),
        _full_of(b"\\u00e9", b'{"a":"', b'"}'),
    ],
    ids=["objects", "lists", "numbers", "texts", "fields", "depth", "escaped depth", "escaped numbers", "escapes"],
)
def test_no_body_takes_much_more_memory_than_its_bytes(body: Callable[[], bytes]) -> None:
    webhook = Webhook(provider=Provider.GITHUB, headers={}, body=body(), remote="192.0.2.1")
    tracemalloc.start()
    try:
        claim = claim_of(webhook, FORGES)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert claim.repository is None
    assert peak < 4 * _SIZE


def test_a_form_is_read_wherever_an_escape_stands() -> None:
    text = json.dumps({"name": "ä%41+ " * 40_000}, ensure_ascii=False).encode()
    for shift in range(3):
        body = b"payload=" + b"+" * shift + quote_plus(text).encode()
        assert Webhook(provider=Provider.GITHUB, headers={}, body=body, remote="").json == b" " * shift + text
