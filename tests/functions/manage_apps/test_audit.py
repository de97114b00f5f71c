"""The audit log, and what needs a person."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from functions.common.events.build import BuildRequested
from tests.api_world import ApiWorld, api_world
from tests.story import KEY, SHA, Story


@pytest.fixture
def api(database: str, tmp_path: Path) -> Iterator[ApiWorld]:
    """Yield an API that takes domains without a proof."""
    with api_world(database, tmp_path, SLIPWAY_DOMAIN_PROOF="none") as world:
        yield world


@pytest.fixture
def owner(api: ApiWorld) -> str:
    """Return the token of the owner of an app."""
    token = api.user("owner@example.org")
    api.app("shop", token=token)
    return token


def actions(api: ApiWorld, path: str, token: str = "") -> list[str]:
    return [one["action"] for one in api.get(path, token=token)["items"]]


def test_an_owner_sees_what_was_done_to_the_app_and_nothing_else(api: ApiWorld, owner: str) -> None:
    api.call("PUT", "/v1/apps/shop/domains/www.example.net", token=owner)
    api.call("POST", "/v1/tokens", {"name": "shop"}, token=owner)  # a target that is called like the app
    api.app("other")

    assert actions(api, "/v1/apps/shop/audit", owner) == ["domain.add", "app.create"]
    assert actions(api, "/v1/audit")[:2] == ["app.create", "token.create"]


def test_an_app_does_not_show_what_was_done_to_an_earlier_one_of_its_name(api: ApiWorld, owner: str) -> None:
    api.call("PUT", "/v1/apps/shop/domains/www.example.net", token=owner)
    api.call("DELETE", "/v1/apps/shop", token=owner)
    heir = api.user("heir@example.org")
    api.app("shop", token=heir)

    assert actions(api, "/v1/apps/shop/audit", heir) == ["app.create"]


def test_the_audit_log_is_filtered_and_paged(api: ApiWorld, owner: str) -> None:
    for host in ("a.example.net", "b.example.net"):
        api.call("PUT", f"/v1/apps/shop/domains/{host}", token=owner)
    api.call("DELETE", "/v1/apps/shop/domains/a.example.net", token=owner)

    assert actions(api, "/v1/audit?action=domain") == ["domain.remove", "domain.add", "domain.add"]
    assert actions(api, "/v1/audit?action=domain.remove&actor=owner@example.org&target=shop") == ["domain.remove"]
    assert actions(api, "/v1/audit?actor=stranger") == []
    first = api.get("/v1/audit?action=domain&limit=2")
    rest = api.get(f"/v1/audit?action=domain&limit=2&after={first['next']}")
    assert ([one["detail"] for one in first["items"]], rest["next"]) == (["a.example.net", "b.example.net"], None)
    assert [one["detail"] for one in rest["items"]] == ["a.example.net"]


def test_refusals_are_one_entry_with_their_count_and_since_finds_the_last(api: ApiWorld) -> None:
    for number in range(3):
        assert api.call("GET", "/v1/apps", token=f"unknown-{number}").status == 401
    entry, *others = api.get("/v1/audit?action=token.refuse")["items"]
    assert entry["count"] + sum(one["count"] for one in others) == 3  # an hour may have ended meanwhile
    assert (entry["actor"], entry["target"], entry["at"] <= entry["last_at"]) == ("127.0.0.1", "the API", True)

    api.database.run("delete from audit_log where action = 'token.refuse' and id <> :id", id=entry["id"])
    api.database.run("update audit_log set last_at = now() where action = 'token.refuse'")
    api.database.run("update audit_log set at = at - interval '40 minutes' where action = 'token.refuse'")
    between = quote(entry["at"])
    assert actions(api, f"/v1/audit?since={between}") == ["token.refuse"]
    api.database.run("update audit_log set last_at = at where action = 'token.refuse'")
    assert actions(api, f"/v1/audit?since={between}") == []
    assert api.call("GET", "/v1/audit?since=yesterday").status == 400
    assert api.call("GET", "/v1/audit?since=2026-01-31T12:00:00").status == 400  # of which zone?


def concerns(api: ApiWorld, token: str) -> list[tuple[str, str, str]]:
    items = api.get("/v1/attention", token=token)["items"]
    return sorted((one["kind"], one["subject"], one["reason"]) for one in items)


def test_a_failed_push_needs_a_person_until_a_newer_one_is_live(api: ApiWorld, story: Story, owner: str) -> None:
    api.database.run(
        "insert into environments (app, name, branch, label) values ('shop', 'production', 'main', 'shop')"
        " on conflict do nothing"
    )
    story.push("push-1", state="failed", reason="no Procfile", sequence=1)
    assert concerns(api, owner) == [("push-failed", "push-1", "no Procfile")]

    story.push("push-2", state="ignored", sequence=0)
    assert concerns(api, owner) == [("push-failed", "push-1", "no Procfile")]
    story.push("push-3", state="live", sequence=2)
    assert concerns(api, owner) == []


def test_a_failed_rollback_a_stuck_push_a_dead_letter_and_refused_hosts_need_a_person(
    api: ApiWorld, story: Story, owner: str
) -> None:
    about: dict[str, Any] = {"app": "shop", "environment": "production", "push": "push-1"}
    event = story.event(BuildRequested(**about, repository=KEY, clone_url="", ref="r", sha=SHA, sequence=1))
    letter = story.dead_letter(event)
    story.push("push-1", state="building")
    story.push("push-2", state="building")
    api.database.run("update pushes set moved_at = now() - interval '20 minutes' where id = 'push-1'")
    story.release(1, state="live")
    story.release(2, state="failed")
    api.database.run("update releases set kind = 'rollback', reason = 'crashed' where number = 2")
    api.database.run(
        "insert into certificates (host, app, state, reason) values ('a.example.net', 'shop', 'failed', 'no answer')"
    )
    api.database.run(
        "insert into dns_records (host, app, state, reason) values ('b.example.net', 'shop', 'refused', 'not ours')"
    )
    api.database.run("update projects set created_at = now() - interval '1 hour'")

    assert concerns(api, owner) == [
        ("certificate-failed", "a.example.net", "no answer"),
        ("dead-letter", str(letter), "start-build could not handle dev.slipway.build.requested.v1: no such thing"),
        ("dns-refused", "b.example.net", "not ours"),
        ("push-stuck", "push-1", "no progress since it was building"),
        ("release-failed", "2", "crashed"),
    ]
    assert concerns(api, api.user("stranger@example.org")) == []
    assert len(concerns(api, api.user("admin@example.org", administrator=True))) == 5


def test_a_weak_sandbox_is_shown_to_administrators(api: ApiWorld, owner: str) -> None:
    (api.home / "weakness").write_text("no namespaces can be made here")
    admin = api.user("admin@example.org", administrator=True)

    assert concerns(api, admin) == [("weak-sandbox", "sandbox", "no namespaces can be made here")]
    assert concerns(api, owner) == []
