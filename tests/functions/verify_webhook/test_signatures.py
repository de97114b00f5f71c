"""Which webhooks are trusted: made-up requests, and the test vectors that other projects publish."""

import hmac
import json
import random
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.common.adapters.forges.signatures import standard_webhooks_mismatch
from functions.common.domain.delivery import Provider, Webhook
from functions.common.ports.deliveries import WebhookSecret
from functions.verify_webhook.app import FORGES
from functions.verify_webhook.webhook import signature_of
from tests.conftest import SHARED
from tests.webhook_sender import SECRET, signature

FIXTURES = SHARED / "fixtures"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BODY = b'{"a": 1}'


def check(provider: Provider, headers: dict[str, str], *, body: bytes = BODY, secret: str = SECRET) -> str:
    webhook = Webhook(provider=provider, headers=headers, body=body, remote="192.0.2.1")
    secrets = [WebhookSecret(secret=one) for one in (secret,) if one.strip()]
    return signature_of(webhook, FORGES, secrets=secrets, now=NOW)[0]


@pytest.mark.parametrize("provider", [Provider.FORGEJO, Provider.GITEA])
@pytest.mark.parametrize("header", ["x-forgejo-signature", "x-gitea-signature", "x-gogs-signature"])
def test_forgejo_and_gitea_sign_in_bare_hex(provider: Provider, header: str) -> None:
    assert check(provider, {header: signature(BODY)}) == ""
    assert check(provider, {header: "sha256=" + signature(BODY)}) == "the signature differs"


def test_github_signs_with_a_prefix() -> None:
    assert check(Provider.GITHUB, {"x-hub-signature-256": "sha256=" + signature(BODY)}) == ""


@pytest.mark.parametrize(
    ("provider", "headers", "why"),
    [
        (Provider.FORGEJO, {}, "missing"),
        (Provider.FORGEJO, {"x-forgejo-signature": ""}, "empty"),
        (Provider.GITEA, {"x-gitea-signature": "", "x-hub-signature-256": "sha256="}, "empty"),
        (Provider.FORGEJO, {"x-forgejo-signature": signature(BODY)[:8]}, "differs"),
        (Provider.FORGEJO, {"x-forgejo-signature": signature(BODY + b" ")}, "differs"),
        (Provider.FORGEJO, {"x-forgejo-signature": signature(BODY, "another")}, "differs"),
        (Provider.FORGEJO, {"x-forgejo-signature": "é" * 64}, "differs"),
        (Provider.GITHUB, {"x-hub-signature": "sha1=0"}, "missing"),
        (Provider.GITHUB, {"x-hub-signature-256": "sha256="}, "empty"),
        (Provider.GITHUB, {"x-gitea-signature": signature(BODY)}, "missing"),
        (Provider.GITLAB, {}, "neither"),
        (Provider.GITLAB, {"x-gitlab-token": ""}, "empty"),
        (Provider.GITLAB, {"x-gitlab-token": SECRET + " "}, "differs"),
        (Provider.GITLAB, {"x-hub-signature-256": "sha256=" + signature(BODY)}, "neither"),
    ],
)
def test_a_webhook_that_is_not_signed_with_the_secret_is_not_trusted(
    provider: Provider, headers: dict[str, str], why: str
) -> None:
    assert why in check(provider, headers)


@pytest.mark.parametrize("provider", list(Provider))
@pytest.mark.parametrize("secret", ["", " "])
def test_without_a_secret_no_webhook_is_trusted(provider: Provider, secret: str) -> None:
    signed = signature(BODY, secret)
    headers = {"x-forgejo-signature": signed, "x-hub-signature-256": f"sha256={signed}", "x-gitlab-token": secret}

    assert "no secret" in check(provider, headers, secret=secret)


def test_a_form_is_signed_over_its_decoded_payload_by_gitea_and_raw_by_github() -> None:
    form = b"payload=%7B%22a%22%3A+1%7D&other=2"
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    decoded, raw = signature(b'{"a": 1}'), signature(form)

    assert check(Provider.GITEA, {**headers, "x-gitea-signature": decoded}, body=form) == ""
    assert check(Provider.GITEA, {**headers, "x-gitea-signature": raw}, body=form) == "the signature differs"
    assert check(Provider.GITHUB, {**headers, "x-hub-signature-256": f"sha256={raw}"}, body=form) == ""
    assert check(Provider.GITHUB, {**headers, "x-hub-signature-256": f"sha256={decoded}"}, body=form) != ""


def test_gitlab_sends_the_secret_itself() -> None:
    assert check(Provider.GITLAB, {"x-gitlab-token": SECRET}) == ""
    assert check(Provider.GITLAB, {"x-gitlab-token": "käse".encode().decode("latin-1")}, secret="käse") == ""


def test_with_a_signing_token_a_plain_token_is_not_enough() -> None:
    token = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ="

    assert check(Provider.GITLAB, {"x-gitlab-token": token}, secret=token) != ""


def signed_by_gitlab(at: datetime) -> dict[str, str]:
    # HMAC over id.timestamp.body, as openssl makes it too, under the key "secret-secret-secret".
    import base64  # noqa: PLC0415 - for this alone
    import hmac  # noqa: PLC0415 - as above

    seconds = str(int(at.timestamp()))
    digest = hmac.digest(b"secret-secret-secret", b"msg_1." + seconds.encode() + b"." + BODY, "sha256")
    given = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": "msg_1", "webhook-timestamp": seconds, "webhook-signature": given}


@pytest.mark.parametrize(
    ("shift", "valid"),
    [
        (timedelta(), True),
        (timedelta(minutes=5), True),
        (timedelta(minutes=5, seconds=1), False),
        (-timedelta(minutes=5), True),
        (-timedelta(minutes=5, seconds=1), False),
    ],
)
def test_an_old_signature_of_gitlab_is_not_valid(shift: timedelta, *, valid: bool) -> None:
    headers = signed_by_gitlab(NOW + shift)

    assert (check(Provider.GITLAB, headers, secret="whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=") == "") is valid


def vectors(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FIXTURES / name).read_text()) if FIXTURES.exists() else []
    return found


def recorded_body(vector: dict[str, Any]) -> bytes | None:
    """Return what was signed; some bodies were not recorded with their signature."""
    if "body" in vector:
        return str(vector["body"]).encode()
    path = FIXTURES / vector["body_file"]
    return path.read_bytes() if path.exists() else None


RECORDED = [vector for vector in vectors("hmac/forge-hmac-vectors.json") if recorded_body(vector) is not None]


@pytest.mark.parametrize("vector", RECORDED, ids=lambda vector: str(vector["name"]))
def test_recorded_hmacs(vector: dict[str, Any]) -> None:
    body = recorded_body(vector)
    assert body is not None
    header, value, secret = str(vector["header"]).lower(), str(vector["value"]), str(vector["secret"])
    provider = Provider.GITHUB if header.startswith("x-hub") else Provider.GITEA
    accepted = header != "x-hub-signature"  # SHA-1 is not

    assert (check(provider, {header: value}, body=body, secret=secret) == "") is accepted
    assert check(provider, {header: value}, body=body + b" ", secret=secret) != ""


@pytest.mark.parametrize("vector", vectors("standard-webhooks/vectors.json"), ids=lambda vector: str(vector["name"]))
def test_recorded_standard_webhooks(vector: dict[str, Any]) -> None:
    names = {"webhook-id": "webhook_id", "webhook-timestamp": "webhook_timestamp"}
    headers = {header: str(vector[name]) for header, name in names.items() if vector.get(name) is not None}
    given = vector.get("expected_signature") or vector.get("webhook_signature")
    headers |= {"webhook-signature": given} if given else {}
    now = re.search(r"now=(\d+)([+-]\d+)?", vector["verify"])
    at = int(now[1]) + int(now[2] or 0) if now else 1614265330

    why = standard_webhooks_mismatch(
        headers, vector.get("body", "").encode(), secret=vector["secret"], now=datetime.fromtimestamp(at, UTC)
    )

    assert (why == "") is vector["verify"].startswith("pass")


@pytest.mark.parametrize("size", [0, 1, 2048, 1_000_000])
@pytest.mark.parametrize("changed", [0, -1])
def test_a_signature_covers_every_byte_of_a_body(size: int, changed: int) -> None:
    body = bytearray(random.Random(size).randbytes(size))  # noqa: S311 - no secret
    signed = {"x-forgejo-signature": hmac.digest(SECRET.encode(), body, "sha256").hex()}

    assert check(Provider.FORGEJO, signed, body=bytes(body)) == ""
    if body:
        body[changed] ^= 1
        assert check(Provider.FORGEJO, signed, body=bytes(body)) == "the signature differs"
