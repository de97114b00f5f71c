"""Invariant 7, private: no secret in an event, log, error, status text or API answer."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.common.events.app import ConfigChanged
from functions.common.ports.accounts import Scope
from tests.api_world import TOKENS, ApiWorld, api_world
from tests.story import SHA, Story
from tests.webhook_sender import PUSHES, SECRET, payload, sender

VALUE = "correct-horse-battery"
CONFIG = "/v1/apps/shop/config"


@pytest.fixture
def api(database: str, tmp_path: Path) -> Iterator[ApiWorld]:
    with api_world(database, tmp_path) as world:
        world.app("shop")
        assert world.call("PATCH", CONFIG, {"PASSWORD": VALUE}).status == 200
        yield world


def everything_read(api: ApiWorld, number: int) -> None:
    """Ask every path that answers with something."""
    for path in (
        "/apps", "/apps/shop", "/apps/shop/config", "/apps/shop/domains", "/apps/shop/releases",
        "/apps/shop/environments", "/apps/shop/builds", "/apps/shop/logs", "/builds/build-1", "/builds/build-1/log",
        f"/pushes/{SHA}", "/events", "/events?app=shop", f"/dead-letters/{number}", "/dead-letters?state=all",
        "/whoami",
    ):  # fmt: skip
        assert api.call("GET", "/v1" + path).status == 200, path
    for (event,) in api.database.run("select id from events"):
        api.get(f"/v1/events/{event}")


def everything_changed(api: ApiWorld, number: int) -> None:
    """Call every path that changes something, well and badly."""
    for method, path, body in (
        ("PATCH", CONFIG, {"PASSWORD": VALUE + "!"}),
        ("PATCH", CONFIG, {"PASSWORD": VALUE}),
        ("PATCH", CONFIG, {"PASSWORD": VALUE + "\0"}),
        ("PATCH", CONFIG, {"PORT": VALUE}),
        ("PATCH", CONFIG, {"PASSWORD": [VALUE]}),
        ("PATCH", CONFIG, '{"PASSWORD": "' + VALUE),
        ("PATCH", CONFIG + "?scope=odd", {"PASSWORD": VALUE}),
        ("POST", "/v1/apps", {"name": "other", "git_url": f"https://me:{VALUE}@git.example.org/a/b.git"}),
        ("POST", "/v1/apps", {"name": "other", "git_url": f"https://{VALUE}@git.example.org/a/b.git"}),
        ("PUT", "/v1/apps/shop/git", {"url": f"https://me:{VALUE}@git.example.org/a/b.git"}),
        ("POST", "/v1/apps", {"name": [VALUE]}),
        ("POST", "/v1/tokens", {"name": "ci", "scope": VALUE}),
        ("POST", "/v1/apps/shop/rollback", {"to": 1}),
        ("POST", f"/v1/dead-letters/{number}/redrive", None),
        ("PUT", "/v1/apps/shop/domains/www.example.net", None),
        ("DELETE", "/v1/apps/shop", None),
    ):
        api.call(method, path, body)


def shown(api: ApiWorld, caplog: pytest.LogCaptureFixture) -> str:
    """Return all that was answered, published, recorded or logged."""
    formatter = logging.Formatter()
    lines = [formatter.format(record) + str(record.__dict__) for record in caplog.records]
    kept = [
        str(api.database.run(f"select * from {table}"))  # noqa: S608 - names of tables
        for table in ("events", "event_outbox", "audit_log", "dead_letters", "webhook_deliveries", "pushes", "builds")
    ]
    return "\n".join([*api.answers, *lines, str(api.broker.events), *kept])


def test_invariant_07_config_values_are_in_no_log_event_or_answer(
    api: ApiWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    story = Story(database=api.database)
    story.delivery("d-1", event_id="push-1")
    story.push("push-1")
    story.build("build-1")
    story.release(1, state="retired", config=f'{{"PASSWORD": "{VALUE}"}}')
    story.release(2, state="live", config=f'{{"PASSWORD": "{VALUE}"}}')
    (event,) = api.database.run("select id from events where type = :type", type=ConfigChanged.type)
    number = story.dead_letter(story.event(ConfigChanged(app="shop", keys=("PASSWORD",)), cause=event[0]))

    everything_read(api, number)
    everything_changed(api, number)

    everything = shown(api, caplog)
    assert "PASSWORD" in everything
    assert VALUE not in everything


def test_invariant_07_an_error_while_a_value_is_written_has_no_value(
    api: ApiWorld, caplog: pytest.LogCaptureFixture
) -> None:
    # PostgreSQL's text for a broken rule holds the failing row.
    api.database.run("alter table config_vars add check (value not like '%horse%') not valid")

    answer = api.call("PATCH", CONFIG, {"OTHER": VALUE + "2"})

    assert answer.status == 500
    assert "internal error" in caplog.text
    assert VALUE not in shown(api, caplog)


def test_invariant_07_a_token_is_shown_only_when_it_is_created(api: ApiWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    user = api.user("dev@example.org")
    made = api.call("POST", "/v1/tokens", {"name": "ci", "scope": "read"}, token=user).body["token"]
    api.answers.clear()

    api.call("GET", "/v1/apps", scope=None, headers={"Authorization": f"Bearer {made}x"})
    api.call("GET", "/v1/apps", scope=None, headers={"Authorization": f"Bearer {made}"})

    everything = shown(api, caplog) + str(api.database.run("select * from api_tokens"))
    assert made not in everything
    assert not any(token in everything for token in TOKENS.values())


def test_invariant_07_the_webhook_secret_is_in_no_log_event_or_answer(
    api: ApiWorld, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    forge = sender(database, api.broker.url)
    answers = [forge.send(name, kind, payload(f"{name}/push"), delivery=name) for name, kind in PUSHES.items()]
    answers += [forge.send("gitlab", "Push Hook", b"{}", delivery="bad"), forge.post("/v1/webhooks/gitea", b"", {})]

    assert [answer.status_code for answer in answers][:-2] == [202] * len(PUSHES)
    everything = shown(api, caplog) + "".join(answer.get_data(as_text=True) for answer in answers)
    assert "forgejo" in everything
    assert SECRET not in everything


def test_invariant_07_only_an_admin_reads_a_value_and_it_is_audited(api: ApiWorld) -> None:
    assert api.call("GET", CONFIG + "?reveal=true", scope=Scope.DEPLOY).status == 403
    assert api.get(CONFIG + "?reveal=true")["config"] == {"PASSWORD": VALUE}
    assert ["config.reveal", "shop"] in api.database.run("select action, target from audit_log")
