"""The log of a build, as those who watch its push see it grow."""

import html
import re
import threading
from pathlib import Path
from typing import Any

import pytest

from functions.common.adapters.local.logs import END_MARK
from functions.common.events.build import BuildStarted
from tests.functions.stream_events.conftest import Reader, StreamWorld
from tests.local.waiting import until
from tests.story import KEY, SHA

PUSH, BUILD = "push-1", "shop-1"
ABOUT: dict[str, Any] = {"app": "shop", "environment": "production", "push": PUSH}
STARTED = BuildStarted(**ABOUT, repository=KEY, build=BUILD, sha=SHA, sequence=1)


@pytest.fixture
def owner(streams: StreamWorld) -> str:
    """Return the token of the owner of an app with a push that is being built."""
    token = streams.api.user("owner@example.org")
    streams.api.app("shop", token=token)
    streams.story.push(PUSH, state="building")
    return token


@pytest.fixture
def log(streams: StreamWorld) -> Path:
    """Return the file that the builder writes."""
    folder = streams.api.home / "builds"
    folder.mkdir(parents=True)
    return folder / f"{BUILD}.log"


def write(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def shown(reader: Reader) -> str:
    """Return the log as the page has it: a message replaces it, or adds to it."""
    text = ""
    for name, data in reader.messages:
        if name == "log-all-shop":
            text = ""
        if name in {"log-all-shop", "log-shop"}:
            text += html.unescape(re.sub(r"</?(pre|span)[^>]*>", "", data))
    return text


def test_viewers_see_each_line_once_whenever_they_came(streams: StreamWorld, owner: str, log: Path) -> None:
    early = streams.watch(f"push={PUSH}", owner)
    write(log, "-----> Fetching\n")
    streams.story.build(BUILD, state="running")
    streams.record(STARTED)
    early.wait(lambda one: "Fetching" in shown(one))
    late = streams.watch(f"push={PUSH}", owner)
    late.wait(lambda one: "Fetching" in shown(one))
    write(log, "       1 < 2 & <b>bold</b>\n\n       done\n")

    expected = "-----> Fetching\n       1 < 2 & <b>bold</b>\n\n       done\n"
    for reader in (early, late):
        reader.wait(lambda one: "done" in shown(one))
        assert shown(reader) == expected
        assert "<b>" not in reader.text


def test_a_log_that_is_read_again_replaces_itself(streams: StreamWorld, owner: str, log: Path) -> None:
    """The start of a build may be seen twice: when it is recorded, and in what may have been missed."""
    reader = streams.watch(f"push={PUSH}", owner)
    write(log, f"first\n{END_MARK}succeeded\n")
    whole = log.read_text()
    streams.record(STARTED)
    reader.wait(lambda one: shown(one) == whole)
    until(lambda: not [one for one in threading.enumerate() if one.name == "log"], seconds=10)
    streams.story.event(STARTED, cause="again")
    reader.wait(lambda one: [name for name, _ in one.messages].count("log-all-shop") == 2)

    assert shown(reader) == whole


def test_a_log_is_read_by_one_thread_and_to_its_end(streams: StreamWorld, owner: str, log: Path) -> None:
    write(log, "first\n")
    streams.story.build(BUILD, state="running")
    readers = [streams.watch(f"push={PUSH}", owner) for _ in range(5)]
    for reader in readers:
        reader.wait(lambda one: shown(one) == "first\n")
    assert len([one for one in threading.enumerate() if one.name == "log"]) == 1

    write(log, f"{END_MARK}succeeded\n")
    readers[0].wait(lambda one: shown(one).endswith("succeeded\n"))
    assert until(lambda: not [one for one in threading.enumerate() if one.name == "log"], seconds=10)


def test_nobody_reads_a_log_that_nobody_watches(streams: StreamWorld, owner: str, log: Path) -> None:
    write(log, "first\n")
    streams.story.build(BUILD, state="running")
    reader = streams.watch(f"push={PUSH}", owner)
    reader.wait(lambda one: shown(one) == "first\n")
    reader.has_left.set()

    assert until(lambda: not [one for one in threading.enumerate() if one.name == "log"], seconds=20)
