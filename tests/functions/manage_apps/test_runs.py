"""One-off commands: what is answered, recorded and published."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from functions.common.adapters.postgres.runs import PostgresRuns
from functions.common.ports.accounts import Scope
from tests.api_world import Answered, ApiWorld, served
from tests.story import Story

PATH = "/v1/apps/shop/runs"
SECRET = "p4ssw0rd"


@pytest.fixture(autouse=True)
def _shop(api: ApiWorld, story: Story) -> None:
    api.app("shop")
    story.release(3, state="live")
    api.broker.events.clear()


def start(api: ApiWorld, *command: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Start a run."""
    answer = api.call("POST", PATH, {"command": list(command), **fields})
    assert answer.status == 201, answer
    run: dict[str, Any] = answer.body
    return run


def test_a_run_is_recorded_and_published_without_its_command(api: ApiWorld) -> None:
    run = start(api, "python", "-c", SECRET, interactive=True, tty=True)

    assert (run["release"], run["state"], run["exit_code"], run["interactive"]) == (3, "running", None, True)
    assert api.types() == ["run.requested"]
    assert api.broker.events[0]["data"]["run"] == run["id"]
    assert SECRET not in json.dumps(api.broker.events) + "".join(api.answers)
    assert SECRET not in str(api.database.run("select * from audit_log"))
    assert [one["id"] for one in api.get(PATH)["items"]] == [run["id"]]


def test_the_end_is_recorded_when_it_is_read(api: ApiWorld) -> None:
    run = start(api, "env")
    api.database.run("update runs set exit_code = 7, reason = 'it was stopped', ended_at = now()")

    assert api.get(f"{PATH}/{run['id']}")["state"] == "ended"
    assert api.get(f"{PATH}/{run['id']}/output?wait=true") == {
        "data": "",
        "next_offset": 0,
        "exit_code": 7,
        "reason": "it was stopped",
    }
    for method, path, body in (("DELETE", "", None), ("POST", "/input", {"data": ""})):
        refused = api.call(method, f"{PATH}/{run['id']}{path}", body)
        assert (refused.status, "has ended" in refused.body["error"]) == (409, True)


def test_a_run_is_cancelled_by_an_event(api: ApiWorld) -> None:
    run = start(api, "sleep", "100")

    assert api.call("DELETE", f"{PATH}/{run['id']}").status == 202
    assert api.types() == ["run.requested", "run.cancelled"]


def test_input_is_taken_only_by_a_run_that_reads(api: ApiWorld) -> None:
    run = start(api, "sh")
    refused = api.call("POST", f"{PATH}/{run['id']}/input", {"data": ""})

    assert (refused.status, "reads no input" in refused.body["error"]) == (409, True)
    reading = start(api, "sh", interactive=True)
    wrong = api.call("POST", f"{PATH}/{reading['id']}/input", {"data": "not base64!"})
    assert (wrong.status, "data: " in wrong.body["error"]) == (422, True)
    taken = api.call("POST", f"{PATH}/{reading['id']}/input", {"data": base64.b64encode(b"ls\n").decode()})
    assert taken.body == {"bytes": 3}


def test_where_nothing_is_live_nothing_runs(api: ApiWorld) -> None:
    api.database.run("update releases set state = 'failed'")
    refused = api.call("POST", PATH, {"command": ["env"]})

    assert (refused.status, "deploy it first" in refused.body["error"]) == (409, True)


def test_only_some_commands_run_at_a_time(api: ApiWorld) -> None:
    for _ in range(10):
        start(api, "sleep", "1000")
    refused = api.call("POST", PATH, {"command": ["env"]})

    assert (refused.status, "10 commands that run" in refused.body["error"]) == (409, True)


def test_a_run_of_another_app_is_not_found(api: ApiWorld) -> None:
    run = start(api, "env")
    api.app("other")

    assert api.call("GET", f"/v1/apps/other/runs/{run['id']}").status == 404
    assert api.call("GET", f"{PATH}/none").status == 404
    assert api.call("POST", PATH, {"command": ["env"]}, scope=Scope.READ).status == 403


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "command"),
        ({"command": []}, "command"),
        ({"command": "env"}, "command"),
        ({"command": [""]}, "command"),
        ({"command": ["env", 7]}, "command"),
        ({"command": ["x" * 70_000]}, "command"),
        ({"command": ["x"] * 201}, "command"),
        ({"command": ["a\0"]}, "command"),
        ({"command": ["env"], "timeout": 0}, "timeout"),
        ({"command": ["env"], "timeout": 86401}, "timeout"),
        ({"command": ["env"], "tty": "yes"}, "tty"),
        ({"command": ["env"], "columns": 1001}, "columns"),
        ({"command": ["env"], "shell": True}, "shell"),
    ],
)
def test_a_run_that_cannot_be_is_refused_by_name(api: ApiWorld, body: dict[str, Any], named: str) -> None:
    refused = api.call("POST", PATH, body)

    assert (refused.status, named in refused.body["error"]) == (422, True)
    assert api.broker.events == []


@pytest.fixture
def on_cluster(api: ApiWorld, database: str, tmp_path: Path) -> ApiWorld:
    """Return the API as it is where apps run on a cluster, which is not asked here."""
    cluster = {"SLIPWAY_PLATFORM": "kubernetes", "REGISTRY_URL": "registry.example.org"}
    return replace(api, flask=served(database, api.broker.url, tmp_path, api.repositories, api.heads, **cluster))


def give(api: ApiWorld, run: str, data: bytes, *, offset: int, eof: bool = False) -> Answered:
    """Give a run input."""
    body = {"data": base64.b64encode(data).decode(), "offset": offset, "eof": eof}
    return api.call("POST", f"{PATH}/{run}/input", body)


def test_on_a_cluster_a_run_starts_when_its_input_is_whole(on_cluster: ApiWorld) -> None:
    run = start(on_cluster, "sort", interactive=True, tty=True)
    assert (run["state"], run["tty"], on_cluster.types()) == ("waiting", False, [])

    for offset, part in ((0, b"b\n"), (0, b"b\n"), (2, b"a\n")):  # the first comes twice, as after a lost answer
        assert give(on_cluster, run["id"], part, offset=offset).status == 200
    elsewhere = give(on_cluster, run["id"], b"c\n", offset=1)
    assert (elsewhere.status, "has 4 bytes" in elsewhere.body["error"]) == (409, True)
    assert on_cluster.types() == []

    assert give(on_cluster, run["id"], b"", offset=4, eof=True).status == 202
    assert on_cluster.types() == ["run.requested"]
    assert PostgresRuns(database=on_cluster.database).read(run["id"]) == b"b\na\n"
    late = give(on_cluster, run["id"], b"c\n", offset=4)
    assert (late.status, "its input was whole" in late.body["error"]) == (409, True)


def test_input_that_is_too_long_ends_the_run_before_it_starts(on_cluster: ApiWorld) -> None:
    run = start(on_cluster, "sort", interactive=True)
    chunk = b"x" * 65536
    for number in range(16):
        assert give(on_cluster, run["id"], chunk, offset=number * len(chunk)).status == 200
    refused = give(on_cluster, run["id"], b"x", offset=16 * len(chunk))

    assert (refused.status, "more than 1 MiB" in refused.body["error"]) == (422, True)
    ended = on_cluster.get(f"{PATH}/{run['id']}")
    assert (ended["state"], ended["exit_code"], "more than 1 MiB" in ended["reason"]) == ("ended", 126, True)
    assert on_cluster.types() == []
    assert on_cluster.database.run("select input from runs") == [[None]]


def test_a_run_that_waits_for_its_input_is_stopped(on_cluster: ApiWorld) -> None:
    run = start(on_cluster, "sort", interactive=True)

    assert on_cluster.call("DELETE", f"{PATH}/{run['id']}").status == 202

    ended = on_cluster.get(f"{PATH}/{run['id']}")
    assert (ended["exit_code"], ended["reason"]) == (143, "it was stopped before it started")
