"""Channels of notifications: what may be added, what is shown of them, and their test."""

import base64
from typing import Any

import pytest

from tests.api_world import ApiWorld

HOOK = {"name": "hook", "kind": "webhook", "target": "https://user:pw@hooks.example.org:8443/T0/secret?key=1"}
PATH = "/v1/apps/shop/notifications"


def test_a_channel_is_added_shown_tested_and_removed(api: ApiWorld) -> None:
    api.app()
    added = api.call("POST", PATH, {**HOOK, "types": ["release.live", "release.live"], "errors_only": True})
    (shown,) = api.get(PATH)["items"]
    tested = api.call("POST", f"{PATH}/hook/test")
    requested = api.broker.events[-1]
    removed = api.call("DELETE", f"{PATH}/hook")

    assert (added.status, len(base64.b64decode(added.body["secret"].removeprefix("whsec_")))) == (201, 32)
    assert shown == {
        "name": "hook",
        "kind": "webhook",
        "target": "https://hooks.example.org:8443/…",
        "types": ["release.live"],
        "errors_only": True,
        "disabled": "",
    }
    assert (tested.status, requested["type"]) == (202, "dev.slipway.notification.requested.v1")
    assert (requested["data"]["app"], requested["data"]["about"]) == ("shop", "")
    assert (removed.body, api.get(PATH)["items"]) == ({"removed": "hook"}, [])
    audit = str(api.database.run("select * from audit_log"))
    for secret in ("T0/secret", "user:pw", added.body["secret"]):
        assert secret not in f"{api.broker.events} {audit} {shown}"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"target": "ftp://example.org/x"}, "target: must be a URL"),
        ({"target": "https://"}, "target: must be a URL"),
        ({"target": "https://example.org:99999/"}, "target: must be a URL"),
        ({"target": "http://exa mple.org/"}, "target: must be a URL"),
        ({"target": "dev@example.org"}, "target: must be a URL"),
        ({"kind": "email", "target": "https://example.org"}, "target: must be an email"),
        ({"kind": "pigeon"}, "kind: "),
        ({"types": ["app.deleted"]}, "types.0: "),
        ({"errors_only": "yes"}, "errors_only: "),
        ({"name": "a/b"}, "name: must be printable"),
        ({"name": ""}, "name: "),
    ],
)
def test_a_wrong_channel_is_refused_by_name(api: ApiWorld, change: dict[str, Any], named: str) -> None:
    api.app()
    answer = api.call("POST", PATH, {**HOOK, **change})

    assert (answer.status, named in answer.body["error"]) == (422, True), answer.body
    assert "secret" not in answer.text
    assert api.get(PATH)["items"] == []


def test_a_name_is_taken_once_for_each_app(api: ApiWorld) -> None:
    api.app()
    api.app("other")
    statuses = [
        api.call("POST", path, HOOK).status
        for path in (PATH, PATH, "/v1/apps/other/notifications", "/v1/notifications")
    ]

    assert statuses == [201, 409, 201, 201]
    assert [one["name"] for one in api.get("/v1/notifications")["items"]] == ["hook"]
    for number in range(19):
        assert api.call("POST", PATH, {**HOOK, "name": f"more-{number}"}).status == 201
    assert api.call("POST", PATH, {**HOOK, "name": "too-many"}).status == 409


def test_email_needs_a_mail_server(api: ApiWorld) -> None:
    api.app()
    body = {"name": "mail", "kind": "email", "target": "dev@example.org"}
    answer = api.call("POST", PATH, body)

    assert (answer.status, "SMTP_URL" in answer.body["error"]) == (422, True)
