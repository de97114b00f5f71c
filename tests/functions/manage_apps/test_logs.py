"""Each read of a log continues where the one before ended: no gap, no repeat."""

import base64
import json
from pathlib import Path

import pytest

from tests.api_world import ApiWorld
from tests.story import Story

# Not finite, beyond 64 bits, NUL, nested too deeply.
ODD_CURSORS = [
    base64.urlsafe_b64encode(text.encode()).decode()
    for text in ('[{"b": 1e999}, ""]', f'[{{"b": {2**63}}}, ""]', '[{}, "\\u0000"]', "[" * 2000)
]


@pytest.fixture
def files(api: ApiWorld) -> Path:
    api.app("shop")
    (api.home / "builds").mkdir()
    (api.home / "logs" / "apps" / "shop" / "production").mkdir(parents=True)
    return api.home


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_a_build_log_is_followed_to_its_end(api: ApiWorld, story: Story, files: Path) -> None:
    story.build("build-1", state="running")
    path, log = files / "builds" / "build-1.log", "/v1/builds/build-1/log"
    before = api.get(log)
    append(path, "-----> Detecting\nhalf a li")
    first = api.get(log)
    append(path, "ne\n=====> succeeded\n")
    second = api.get(f"{log}?offset={first['next_offset']}")

    assert (before["text"], before["next_offset"], before["ended"]) == ("", 0, False)
    assert (first["text"], first["ended"]) == ("-----> Detecting\n", False)
    assert (second["text"], second["ended"]) == ("half a line\n=====> succeeded\n", True)


def test_a_log_without_its_end_has_ended_when_the_build_has(api: ApiWorld, story: Story, files: Path) -> None:
    story.build("build-1", state="failed")
    append(files / "builds" / "build-1.log", "-----> Detecting\n")
    first = api.get("/v1/builds/build-1/log")

    assert first["ended"] is False
    assert api.get(f"/v1/builds/build-1/log?offset={first['next_offset']}")["ended"] is True


def test_lines_of_builds_and_processes_are_answered_once_each(api: ApiWorld, story: Story, files: Path) -> None:
    story.build("build-old")
    story.build("build-1", state="running")
    append(files / "builds" / "build-old.log", "old\n=====> succeeded\n")
    append(files / "builds" / "build-1.log", "-----> Detecting\n")
    append(files / "logs/apps/shop/production/3-web.log", "listening\n")
    first = api.get("/v1/apps/shop/logs")
    append(files / "builds" / "build-1.log", "=====> succeeded\n")
    append(files / "logs/apps/shop/production/3-web.log", "GET /\n")
    story.build("build-2", state="running")
    append(files / "builds" / "build-2.log", "-----> Again\n")
    second = api.get(f"/v1/apps/shop/logs?cursor={first['cursor']}")
    third = api.get(f"/v1/apps/shop/logs?cursor={second['cursor']}")

    shown = [[(line["source"], line["text"]) for line in answer["lines"]] for answer in (first, second, third)]
    assert shown == [
        [("build[build-1]", "-----> Detecting"), ("web.v3", "listening")],
        [("build[build-1]", "=====> succeeded"), ("build[build-2]", "-----> Again"), ("web.v3", "GET /")],
        [],
    ]


def test_an_offset_beyond_the_end_reads_nothing(api: ApiWorld, story: Story, files: Path) -> None:
    story.build("build-1")
    append(files / "builds" / "build-1.log", "-----> Detecting\n")

    assert api.get(f"/v1/builds/build-1/log?offset={2**63 - 1}")["text"] == ""


@pytest.mark.parametrize("position", ["1e999", "-1e999", '"x"', "[]", "[" * 2000])
def test_an_odd_cursor_of_the_processes_is_refused(api: ApiWorld, files: Path, position: str) -> None:
    del files
    text = json.dumps([{}, f'{{"1-web": {position}}}'])
    cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    assert api.call("GET", f"/v1/apps/shop/logs?cursor={cursor}").status == 422


@pytest.mark.parametrize("cursor", ["nonsense", "e30", "W10", "W1tdLCAiIl0", "W3siYSI6ICJ4In0sICIiXQ", *ODD_CURSORS])
def test_a_cursor_that_the_api_did_not_encode_is_refused(api: ApiWorld, files: Path, cursor: str) -> None:
    del files

    assert api.call("GET", f"/v1/apps/shop/logs?cursor={cursor}").status == 400
