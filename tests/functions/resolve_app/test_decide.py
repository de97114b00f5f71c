"""Verdicts by table."""

from dataclasses import replace
from typing import Any

import pytest

from functions.common.domain.app import App
from functions.common.domain.environment import production
from functions.common.domain.push import PushState
from functions.common.events.push import PushReceived, Repository
from functions.common.ports.pushes import Base, Lineage
from functions.resolve_app.decide import Verdict, decide, is_plain, weigh

APP = App(id="1", name="hello", git_url="https://forge.example.org/team/hello", branch="main", paths=("web/**",))
A, B, ZERO = "a" * 40, "b" * 40, "0" * 40
SETTLED = Lineage(base=Base.SETTLED, head_ignored=False, overtaken=False)
PLAIN = Verdict(environment=production("hello", "main"))
FILTERED = {code: replace(PLAIN, state=PushState.IGNORED, code=code, reason="words") for code in ("paths", "skip-ci")}


def push(**more: Any) -> PushReceived:  # noqa: ANN401 - fields of the event
    repository = Repository(full_name="team/hello", urls=(APP.git_url,))
    fields: dict[str, Any] = {"provider": "forgejo", "delivery": "d", "repository": repository, "push": "p"}
    fields |= {"ref": "refs/heads/main", "branch": "main", "before": A, "after": B, "complete": True}
    return PushReceived(**fields | {"changed": ("web/x",)} | more)


@pytest.mark.parametrize(
    ("more", "environment", "code"),
    [
        ({}, "production", ""),
        ({"branch": "topic"}, "topic", ""),
        ({"branch": "Main"}, "main-", ""),
        ({"message": "words [Skip CI]"}, "production", "skip-ci"),
        ({"message": "words [ci skip]", "branch": "topic"}, "topic", "skip-ci"),
        ({"message": "skip ci"}, "production", ""),
        ({"changed": ("docs/x",)}, "production", "paths"),
        ({"changed": ("docs/x",), "complete": False}, "production", ""),
        ({"changed": ("docs/x",), "before": ZERO}, "production", ""),
        ({"changed": ("docs/x",), "forced": True}, "production", ""),
        ({"changed": ("docs/x", "web/y")}, "production", ""),
    ],
)
def test_what_app_and_push_ask_for(more: dict[str, Any], environment: str, code: str) -> None:
    verdict = decide(APP, push(**more))
    assert verdict.environment.name.startswith(environment)
    assert verdict.code == code
    assert verdict.state is (PushState.IGNORED if code else PushState.RECEIVED)
    assert bool(verdict.reason) == bool(code)


def test_without_paths_every_push_counts() -> None:
    assert decide(replace(APP, paths=()), push(changed=("docs/x",))) == PLAIN


@pytest.mark.parametrize(
    ("verdict", "head", "plain"),
    [(PLAIN, B, True), (PLAIN, A, False), (PLAIN, None, False), (FILTERED["paths"], B, False)],
)
def test_only_the_head_is_plain(verdict: Verdict, head: str | None, plain: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_plain(verdict, push(), head) is plain


@pytest.mark.parametrize(
    ("verdict", "head", "lineage", "state", "reason"),
    [
        (PLAIN, B, {}, "received", ""),
        (PLAIN, B, {"overtaken": True}, "received", ""),
        (PLAIN, A, {}, "superseded", f"already at {'a' * 12}"),
        (PLAIN, A, {"head_ignored": True}, "received", ""),
        (PLAIN, A, {"head_ignored": True, "overtaken": True}, "superseded", "newer push"),
        (PLAIN, "", {}, "ignored", "does not exist any more"),
        (PLAIN, None, {}, "received", ""),
        (PLAIN, None, {"overtaken": True}, "superseded", "newer push"),
        (FILTERED["paths"], B, {}, "ignored", "words"),
        (FILTERED["paths"], A, {}, "ignored", "words"),
        (FILTERED["paths"], B, {"base": Base.FIRST}, "ignored", "words"),
        (FILTERED["paths"], B, {"base": Base.UNKNOWN}, "received", ""),
        (FILTERED["paths"], B, {"base": Base.DROPPED}, "received", ""),
        (FILTERED["paths"], A, {"base": Base.DROPPED}, "superseded", "already at"),
        (FILTERED["skip-ci"], B, {"base": Base.UNKNOWN}, "ignored", "words"),
        (FILTERED["skip-ci"], B, {"base": Base.DROPPED}, "received", ""),
    ],
)
def test_what_head_and_ledger_add(
    verdict: Verdict, head: str | None, lineage: dict[str, Any], state: str, reason: str
) -> None:
    weighed = weigh(verdict, push(), head=head, lineage=replace(SETTLED, **lineage))
    assert weighed.state == state
    assert reason in weighed.reason
    assert bool(weighed.code) == (state == "ignored")
