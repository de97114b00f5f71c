"""What the hook prints of a push, from the answers of an API of a test's own."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from functions.local.git.follow import MAX_FOLLOWED, Api, Follower, place
from tests.fakes.loopback import Call, Reply, served
from tests.patience import patient

NOT_FOUND = Reply(status=404, body={"error": "unknown"})


def step(kind: str, state: str, **details: object) -> dict[str, Any]:
    return {"step": kind, "state": state, "reason": "", "event": f"{kind} {state} {details}", "details": details}


RECEIVED = step("push", "received")


def app(name: str, state: str, *steps: dict[str, Any], reason: str = "") -> dict[str, Any]:
    """Return an app's part of an explanation."""
    is_final = state in {"live", "failed", "ignored"}
    return {
        "app": name,
        "environment": "production",
        "state": state,
        "final": is_final,
        "step": "build" if state == "failed" else "",
        "reason": reason,
        "url": "https://x/" if state == "live" else "",
        "steps": [RECEIVED, *steps],
    }


@dataclass(slots=True, kw_only=True)
class Vendor:
    """Gives one explanation after the other, the last one again and again."""

    explanations: list[Reply]
    logs: dict[str, list[Reply]] = field(default_factory=dict)
    processes: list[dict[str, str]] = field(default_factory=list)

    def answer(self, call: Call) -> Reply:
        """Answer one call."""
        if call.path == "/v1/apps/shop/deploy/status":
            return Reply(status=200, body={"processes": [{"name": "web", "start": ""}, *self.processes]})
        if call.path.startswith("/v1/pushes/"):
            return self.explanations.pop(0) if len(self.explanations) > 1 else self.explanations[0]
        return self.logs[call.path.split("/")[3]].pop(0)


def explained(*apps: dict[str, Any]) -> Reply:
    return Reply(status=200, body={"pushes": [{"apps": list(apps)}]})


def log(text: str, after: int, *, ended: bool = False) -> Reply:
    return Reply(status=200, body={"text": text, "next_offset": after, "ended": ended})


def followed(
    vendor: Vendor, *, seconds: float = 30.0, patience: float = 15.0, silence: float = 15.0
) -> tuple[list[str], str]:
    """Follow one push of the app shop and return the lines and the problem."""
    lines = list[str]()
    with served(vendor) as url:
        api = Api(port=urlsplit(url).port or 0, token="t")
        follower = Follower(api=api, app="shop", say=lines.append, pause=0.01, patience=patience, silence=silence)
        return lines, follower.follow(["p1"], seconds=seconds)


def test_the_log_of_the_build_stands_between_its_begin_and_its_end() -> None:
    running = step("build", "running", build="b1")
    done = (running, step("image", "published", digest="sha256:" + "a" * 64), step("release", "live", url="https://x/"))
    vendor = Vendor(
        explanations=[NOT_FOUND, explained(app("shop", "building", running)), explained(app("shop", "live", *done))],
        logs={"b1": [log("one\ntwo\n", 8), log("", 8), log("", 8), log("three \x1b[31m\n", 20, ended=True)]},
    )

    lines, problem = followed(vendor)

    assert problem == ""
    assert lines == [
        "slipway: building, log: paas logs --build b1",
        "one",
        "two",
        "three  [31m",
        "slipway: built sha256:aaaaaaaaaaaa",
        "slipway: live at https://x/",
    ]


def test_a_step_is_printed_though_it_is_recorded_after_a_later_one() -> None:
    begun, moved = step("release", "started", release=1), step("release", "shifting", weight=50, release=1)
    vendor = Vendor(
        explanations=[
            explained(app("shop", "releasing", moved)),
            explained(app("shop", "releasing", begun, moved)),
            explained(app("shop", "live", begun, moved, step("release", "live", url="https://x/"))),
        ]
    )
    assert followed(vendor)[0] == [
        "slipway: 50 % of the traffic goes to release v1",
        "slipway: release v1 starts",
        "slipway: live at https://x/",
    ]


def test_the_url_is_printed_though_the_last_event_is_not_recorded_yet() -> None:
    moved = step("release", "shifting", weight=100, release=1)
    vendor = Vendor(explanations=[explained(app("shop", "live", moved))])
    assert followed(vendor)[0][-1] == "slipway: live at https://x/"


def test_a_process_that_nothing_starts_is_named_after_the_url() -> None:
    live = app("shop", "live", step("release", "live", url="https://x/"))
    worker = {"name": "worker", "start": "paas scale worker=1 --app shop"}
    vendor = Vendor(explanations=[explained(live)], processes=[worker])
    assert followed(vendor)[0] == [
        "slipway: live at https://x/",
        "slipway: worker is not started: paas scale worker=1 --app shop",
    ]


def test_a_failure_is_printed_once_with_its_reason() -> None:
    failed = explained(app("shop", "failed", step("build", "failed"), reason="pip failed"))
    lines, problem = followed(Vendor(explanations=[failed, failed]))
    assert (lines, problem) == (
        ["slipway: shop/production failed at build: pip failed; the commits are stored, and what ran before runs on"],
        "",
    )


def test_apps_of_others_that_the_repository_feeds_are_neither_shown_nor_awaited() -> None:
    other = app("other", "building", step("build", "running", build="secret"))
    lines, problem = followed(Vendor(explanations=[explained(other, app("shop", "ignored", reason="no match"))]))
    assert (lines, problem) == (["slipway: shop/production ignored: no match"], "")


ODD: tuple[object, ...] = (["odd"], {}, {"pushes": None}, {"pushes": [{"apps": None}]})


@pytest.mark.parametrize("answer", [NOT_FOUND, *(Reply(status=200, body=body) for body in ODD)])
def test_a_push_that_nothing_takes_is_not_awaited_for_long(answer: Reply) -> None:
    lines, problem = followed(Vendor(explanations=[answer]), patience=0.05)
    assert (lines, problem) == ([], "nothing has taken the push yet; it is stored and will be deployed")


def test_a_long_build_is_shown_to_be_under_way_until_the_limit() -> None:
    begun = time.monotonic()
    lines, problem = followed(Vendor(explanations=[explained(app("shop", "received"))]), seconds=0.5, silence=0.1)

    assert problem.startswith("still under way after")
    assert len(lines) >= 2
    assert "Ctrl-C stops watching, not the deployment" in lines[0]
    assert time.monotonic() - begun < patient(5)


def test_places_are_limited_and_free_again(tmp_path: Path) -> None:
    places = [place(tmp_path) for _ in range(MAX_FOLLOWED + 1)]
    assert [one.__enter__() for one in places] == [True] * MAX_FOLLOWED + [False]
    places[0].__exit__(None, None, None)
    with place(tmp_path) as has_place:
        assert has_place
    for one in places[1:]:
        one.__exit__(None, None, None)
