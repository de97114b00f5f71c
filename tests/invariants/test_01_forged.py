"""Invariant 1: what is not signed with a secret of ours changes nothing, is answered with 401 and audited."""

import logging

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.delivery import Provider
from tests.fakes.loopback_broker import loopback_broker
from tests.webhook_sender import PUSHES, SECRET, forge_headers, payload, read_json, sender, signature

_FORGERIES = ("wrong", "empty", "missing", "cut", "of another body")


def forged(provider: Provider, body: bytes, forgery: str) -> dict[str, str]:
    """Return the headers of a real delivery with a forged proof."""
    other = body + b" " if forgery == "of another body" and provider != "gitlab" else body
    secret = "a guess" if forgery == "wrong" else SECRET
    headers = forge_headers(provider, PUSHES[provider], "forged-1", other, secret=secret)
    proofs = (secret, signature(other, secret))
    for name in [name for name, value in headers.items() if value.endswith(proofs)]:
        if forgery == "missing":
            del headers[name]
        elif forgery == "cut":
            headers[name] = headers[name][:-1]
        elif forgery == "empty":
            headers[name] = "sha256=" if headers[name].startswith("sha256=") else ""
    if forgery == "of another body" and provider == "gitlab":
        headers["X-Gitlab-Token"] = signature(body)
    return headers


@pytest.mark.parametrize("forgery", _FORGERIES)
@pytest.mark.parametrize("provider", list(Provider))
def test_invariant_01_forged_deliveries_change_nothing(
    provider: Provider, forgery: str, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    body = payload(f"{provider}/push")
    with loopback_broker() as broker, caplog.at_level(logging.DEBUG):
        answer = sender(database, broker.url).post(f"/v1/webhooks/{provider}", body, forged(provider, body, forgery))

    assert answer.status_code == 401
    assert "webhook signature mismatch" in read_json(answer)["error"]
    assert broker.events == []
    rows = Postgres(database)
    for table in ("webhook_deliveries", "events", "pushes", "environments", "builds"):
        assert rows.run(f"select count(*) from {table}") == [[0]], table  # noqa: S608 - names of this test
    ((actor, action, target, detail, latest),) = rows.run("select actor, action, target, detail, latest from audit_log")
    assert (action, target, latest) == ("webhook.refused", provider, "forged-1")
    assert "127.0.0.1" in actor
    assert detail
    shown = caplog.text + str(answer.get_data()) + actor + target + detail + latest
    assert "webhook signature mismatch" in caplog.text
    assert SECRET not in shown
    assert signature(body) not in shown


@pytest.mark.parametrize("provider", list(Provider))
def test_invariant_01_forged_without_a_secret_nothing_is_accepted(provider: Provider, database: str) -> None:
    body = payload(f"{provider}/push")
    with loopback_broker() as broker:
        unset = sender(database, broker.url, PAAS_WEBHOOK_SECRET="")
        answers = [
            unset.post(
                f"/v1/webhooks/{provider}",
                body,
                forge_headers(provider, PUSHES[provider], "forged-1", body, secret=secret),
            )
            for secret in ("", "a guess")
        ]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert broker.events == []
    assert Postgres(database).run("select count(*) from webhook_deliveries") == [[0]]
    assert Postgres(database).run("select sum(count) from audit_log") == [[2]]
