"""A stranger on the machine, who reads no file of the platform, sends events of their own."""

import json
from collections.abc import Mapping
from typing import Any

import httpx

from functions.common.events.base import TYPE_PREFIX
from functions.common.events.envelope import SOURCE_PREFIX
from tests.attacks.forged import APP, forged_events
from tests.event_policies import ANY, SENDS
from tests.local.pipeline.developer import begin
from tests.local.pipeline.stage import Stage
from tests.local.waiting import until
from tests.manifests import function_manifests

HEADERS = {"Content-Type": "application/cloudevents+json"}
TRIGGERS = [(one.name, kind) for one in function_manifests() for kind in sorted(one.event_types)]
FUNCTIONS = {one.name for one in function_manifests()}
STATE = "select {0} from {1} where app = 'hello' order by {0}"
CERTIFICATE = """
insert into certificates (host, app, state, not_after) values ('hello.localhost', 'hello', 'ready', '2099-01-01')
on conflict (host) do nothing returning host
"""
PARKED = "select count(distinct event_id) from dead_letters where event_id = any(cast(:ids as text[]))"


def forgeries(target: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return function and event, for each Trigger."""
    return [(name, event) for name, kind in TRIGGERS for event in forged_events(kind, name, target)]


def state(stage: Stage) -> list[list[list[Any]]]:
    """Return what a forged event would change of the app."""
    return [
        stage.rows(STATE.format(columns, table))
        for table, columns in (
            ("releases", "number, environment, state, image, digest"),
            ("builds", "name, state, sha"),
            ("environments", "name, state, promoted_sequence, pushed_sequence"),
            ("dns_records", "host, state"),
            ("certificates", "host, state"),
            ("platform.workloads", "environment"),
            ("platform.removals", "environment"),
            ("runs", "id, exit_code"),
        )
    ]


def unexpected(stage: Stage) -> list[tuple[str, str]]:
    """Return what functions sent so far and the table of the EventPolicies does not know."""
    rows = stage.rows("select distinct source, type from events where source like '/slipway/%'")
    sent = [(source.removeprefix(SOURCE_PREFIX), kind) for source, kind in rows]
    names = {name: {f"{TYPE_PREFIX}{one}.v1" for one in types.split()} for name, types in SENDS.items()}
    return [(name, kind) for name, kind in sent if name in FUNCTIONS - {*ANY} and kind not in names.get(name, set())]


def test_without_the_token_no_event_comes_in(stage: Stage) -> None:
    for name, event in forgeries({"push": "p", "build": "b", "release": 1, "run": "none", "channel": "none"}):
        for port in (stage.platform.instance.ports["broker"], stage.platform.instance.ports[name]):
            answer = stage.post(f"http://127.0.0.1:{port}/", json.dumps(event).encode(), HEADERS)
            assert answer.status_code == httpx.codes.UNAUTHORIZED, (name, event["type"])


def test_even_with_the_token_what_was_never_recorded_changes_nothing(stage: Stage) -> None:
    dev = begin(stage, APP)
    sha = dev.deploy()
    stage.rows(CERTIFICATE)  # else reconcile records it a minute after the push, in the midst of the test
    ((push, build),) = stage.rows("select push, name from builds where app = 'hello'")
    before = state(stage)
    headers = {**HEADERS, "Authorization": f"Bearer {stage.platform.instance.event_token}"}
    sent = forgeries({"push": push, "build": build, "release": 1, "run": "none", "channel": "none"})

    for name, event in sent:
        body = json.dumps(event).encode()
        assert stage.post(stage.at.broker, body, headers).status_code == 202
        port = stage.platform.instance.ports[name]
        answer = stage.post(f"http://127.0.0.1:{port}/", body, headers)
        own = event["type"].startswith(TYPE_PREFIX)
        assert answer.status_code == (400 if own else 202), (name, event["type"])

    own = [event["id"] for _, event in sent if event["type"].startswith(TYPE_PREFIX)]
    until(lambda: stage.rows(PARKED, ids=own) == [[len(own)]], why="their dead letters")
    assert state(stage) == before
    assert dev.answer().split()[0] == sha
    assert unexpected(stage) == []
    later = dev.deploy({"more.txt": "more"})
    assert dev.answer().split()[0] == later
