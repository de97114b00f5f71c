"""The endpoint as a forge sees it, on a real database and a loopback broker."""

import io
import json
import logging
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from flask import Request, Response
from werkzeug.test import EnvironBuilder

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.deliveries import PostgresDeliveries
from functions.common.domain.delivery import Webhook
from functions.common.runtime.http import limit_body
from functions.verify_webhook.app import MAX_BODY
from functions.verify_webhook.endpoint import WebhookEndpoint
from functions.verify_webhook.refusals import Answer
from tests.contract.deliveries import NOWHERE
from tests.fakes.loopback_broker import LoopbackBroker
from tests.webhook_sender import SECRET, Sender, forge_headers, payload, published, read_json, sender, signature


@pytest.fixture
def forge(database: str, broker: LoopbackBroker) -> Sender:
    return sender(database, broker.url)


def test_a_first_delivery_is_answered_with_its_ids_and_published(forge: Sender, broker: LoopbackBroker) -> None:
    answer = forge.send("forgejo", "push", payload("forgejo/push"), delivery="d-1")

    said = read_json(answer)
    assert answer.status_code == 202
    follow = f"paas explain {'b' * 12}"
    assert said == {"status": "accepted", "delivery": "d-1", "event": said["event"], "follow": follow}
    (event,) = broker.events
    assert (event["id"], event["type"], event["source"]) == (
        said["event"],
        "dev.slipway.push.received.v1",
        "/slipway/verify-webhook",
    )
    assert event["slipwaypush"] == event["data"]["push"] == event["id"]
    assert event["traceparent"].startswith("00-")


def test_the_delivery_is_stored_whole_but_without_secrets(forge: Sender, database: str) -> None:
    body = payload("gitlab/push")

    forge.send("gitlab", "Push Hook", body, delivery="d-1", Authorization="Bearer of-secrets", Cookie="a=of-secrets")

    ((provider, kind, headers, kept, outcome, sha),) = Postgres(database).run(
        "select provider, kind, headers, body, outcome, sha from webhook_deliveries"
    )
    assert (provider, kind, kept, outcome, sha) == ("gitlab", "Push Hook", body, "accepted", "b" * 40)
    assert published(database, 1) == 1
    assert headers["x-gitlab-event-uuid"] == "d-1"
    assert SECRET not in str(headers)
    assert "of-secrets" not in str(headers)


@pytest.mark.parametrize("path", ["/v1/webhooks/github", "/api/v1/webhooks/github", "/v1/webhooks/github/"])
def test_webhooks_are_accepted_under_both_paths(forge: Sender, path: str) -> None:
    body = payload("github/push")

    assert forge.post(path, body, forge_headers("github", "push", "d-1", body)).status_code == 202


def test_a_ping_is_answered_with_200(forge: Sender, broker: LoopbackBroker) -> None:
    answer = forge.send("github", "ping", payload("github/ping"))

    assert answer.status_code == 200
    assert read_json(answer)["status"] == "ignored"
    assert broker.events == []


def test_an_ignored_webhook_is_stored_with_the_reason(forge: Sender, database: str) -> None:
    first = forge.send("gitea", "status", payload("gitea/push"))
    again = forge.send("gitea", "status", payload("gitea/push"))

    assert (first.status_code, again.status_code) == (200, 200)
    assert read_json(first) == read_json(again)
    assert read_json(first)["status"] == "ignored"
    rows = Postgres(database).run("select outcome, reason, event from webhook_deliveries")
    assert rows == [["ignored", "status events change nothing that is deployed", None]]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "payload is empty"),
        (b"{", "not JSON at line 1 column 2"),
        (b"\xff\xfe{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"[]", "must be a JSON object"),
        (b"{}", "field repository of the payload is missing"),
        (b'{"ref": "refs/heads/main", "repository": 1}', "field repository of the payload must be an object"),
    ],
)
def test_a_payload_that_cannot_be_read_is_refused_with_the_reason(forge: Sender, body: bytes, text: str) -> None:
    answer = forge.send("forgejo", "push", body)

    assert answer.status_code == 400
    assert text in read_json(answer)["error"]
    assert forge.send("forgejo", "push", body).status_code == 400


def test_odd_text_reaches_the_broker(forge: Sender, broker: LoopbackBroker) -> None:
    content = json.loads(payload("forgejo/push"))
    content["head_commit"]["message"] = "nul \0, lone \ud83d, smile \U0001f600"
    content["pusher"]["login"] = "ada\0"

    answer = forge.send("forgejo", "push", json.dumps(content).encode())

    assert answer.status_code == 202
    assert broker.events[0]["data"]["message"] == "nul , lone ?, smile \U0001f600"


@pytest.mark.parametrize("provider", ["forgejo", "gitea"])
def test_the_signature_of_a_form_covers_its_payload(forge: Sender, provider: str) -> None:
    content = payload(f"{provider}/push")
    form = urlencode({"payload": content}).encode()
    headers = forge_headers(provider, "push", "d-1", content)
    headers["Content-Type"] = "application/x-www-form-urlencoded"

    assert forge.post(f"/v1/webhooks/{provider}", form, headers).status_code == 202


def test_the_signature_of_a_form_of_github_covers_the_raw_body(forge: Sender) -> None:
    form = urlencode({"payload": payload("github/push")}).encode()
    headers = forge_headers("github", "push", "d-1", form)
    headers["Content-Type"] = "application/x-www-form-urlencoded"

    assert forge.post("/v1/webhooks/github", form, headers).status_code == 202


@pytest.mark.parametrize(
    ("path", "from_forge", "status"),
    [
        ("gitea", "forgejo", 202),
        ("forgejo", "gitea", 202),
        ("gitlab", "github", 400),
        ("github", "gitea", 400),
        ("github", "forgejo", 400),
        ("forgejo", "github", 400),
        ("gitea", "gitlab", 400),
    ],
)
def test_the_path_and_the_forge_must_agree(
    forge: Sender, database: str, path: str, from_forge: str, status: int
) -> None:
    body = payload(f"{from_forge}/push")
    kind = "Push Hook" if from_forge == "gitlab" else "push"

    answer = forge.post(f"/v1/webhooks/{path}", body, forge_headers(from_forge, kind, "d-1", body))

    assert answer.status_code == status
    if status == 400:
        assert f"webhook of {from_forge}" in read_json(answer)["error"]
        assert f"path of {path}" in read_json(answer)["error"]
        assert Postgres(database).run("select count(*) from webhook_deliveries") == [[0]]


def test_a_request_without_the_event_header_is_refused_naming_it(forge: Sender) -> None:
    body = payload("github/push")

    answer = forge.post("/v1/webhooks/github", body, {"X-Hub-Signature-256": "sha256=" + signature(body)})

    assert answer.status_code == 400
    assert "X-Github-Event" in read_json(answer)["error"]


@pytest.mark.parametrize("odd", ["", "x" * 5000, "d\té"])
def test_a_missing_or_odd_delivery_id_is_replaced_by_a_stable_one(forge: Sender, odd: str) -> None:
    body = payload("forgejo/push")

    first = forge.send("forgejo", "push", body, delivery=odd)
    again = forge.send("forgejo", "push", body, delivery=odd)

    assert (first.status_code, again.status_code) == (202, 200)
    assert read_json(first)["delivery"].startswith("sha256-")
    assert read_json(first) == read_json(again)


def test_each_provider_may_have_its_own_secret(database: str, broker: LoopbackBroker) -> None:
    forge = sender(database, broker.url, GITHUB_WEBHOOK_SECRET="another")
    body = payload("github/push")

    assert forge.send("github", "push", body).status_code == 401
    own = forge_headers("github", "push", "d-1", body, secret="another")
    assert forge.post("/v1/webhooks/github", body, own).status_code == 202
    assert forge.send("forgejo", "push", payload("forgejo/push")).status_code == 202


def test_a_store_that_is_down_gives_503_with_retry_after(broker: LoopbackBroker) -> None:
    answer = sender(NOWHERE, broker.url).send("forgejo", "push", payload("forgejo/push"))

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert broker.events == []


def test_a_forged_delivery_is_401_even_when_it_cannot_be_audited(
    broker: LoopbackBroker, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="slipway"):
        answer = sender(NOWHERE, broker.url).post("/v1/webhooks/github", b"{}", {})

    assert answer.status_code == 401
    assert "not audited" in caplog.text


@pytest.mark.parametrize("status", [500, 503, 400, 413])
def test_the_forge_gets_202_although_the_broker_refuses_the_event(
    forge: Sender, broker: LoopbackBroker, status: int
) -> None:
    broker.status = status

    assert forge.send("forgejo", "push", payload("forgejo/push")).status_code == 202


def test_a_webhook_is_stored_for_a_broker_that_has_no_address_yet(database: str) -> None:
    assert sender(database, "").send("forgejo", "push", payload("forgejo/push")).status_code == 202

    waiting = PostgresDeliveries(database=Postgres(database)).claim(older_than=timedelta(0), limit=2)
    assert [event.type for event in waiting] == ["dev.slipway.push.received.v1"]


def test_answers_to_other_paths_and_methods_name_the_right_ones(forge: Sender) -> None:
    unknown = forge.post("/v1/webhooks/unknown", b"", {})
    get = forge.app.test_client().get("/v1/webhooks/forgejo")

    assert (unknown.status_code, get.status_code) == (404, 405)
    assert "/v1/webhooks/forgejo" in read_json(unknown)["error"]
    assert get.headers["Allow"] == "POST"


class _Endless(io.RawIOBase):
    """Yields bytes without end, and counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # the library's stub is wider than use
        self.given += len(buffer)
        return len(buffer)


@pytest.mark.parametrize("length", [str(MAX_BODY + 1), None])
def test_a_body_that_is_too_large_is_not_read_whole(length: str | None) -> None:
    body = _Endless()
    environ = EnvironBuilder("/v1/webhooks/forgejo", method="POST").get_environ()
    environ |= {"wsgi.input": body, "wsgi.input_terminated": True}
    environ.pop("CONTENT_LENGTH", None)
    if length:
        environ["CONTENT_LENGTH"] = length

    def never(_: Webhook) -> Answer:
        raise AssertionError

    answer = limit_body(WebhookEndpoint(never), MAX_BODY)(Request(environ))

    assert isinstance(answer, Response)
    assert answer.status_code == 413
    assert body.given == 0 if length else body.given <= 2 * MAX_BODY
