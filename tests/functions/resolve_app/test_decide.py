"""Decisions, by table."""

from dataclasses import replace
from typing import Any

import pytest

from functions.common.domain.app import App
from functions.common.domain.environment import production
from functions.common.domain.push import PushState
from functions.common.events.push import PushReceived, Repository
from functions.common.ports.pushes import BaseState, Lineage
from functions.resolve_app.decide import Decision, decide_by_branch, decide_by_settings, is_final

APP = App(id="1", name="hello", git_url="https://forge.example.org/team/hello", branch="main", paths=("web/**",))
A, B, ZERO = "a" * 40, "b" * 40, "0" * 40
HANDLED = Lineage(base=BaseState.HANDLED, head_ignored=False, overtaken=False)
PLAIN = Decision(environment=production("hello", "main"))
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
def test_decisions_by_settings(more: dict[str, Any], environment: str, code: str) -> None:
    decision = decide_by_settings(APP, push(**more))
    assert decision.environment.name.startswith(environment)
    assert decision.code == code
    assert decision.state is (PushState.IGNORED if code else PushState.RECEIVED)
    assert bool(decision.reason) == bool(code)


def test_without_paths_every_push_is_built() -> None:
    assert decide_by_settings(replace(APP, paths=()), push(changed=("docs/x",))) == PLAIN


@pytest.mark.parametrize(
    ("decision", "head", "final"),
    [(PLAIN, B, True), (PLAIN, A, False), (PLAIN, None, False), (FILTERED["paths"], B, False)],
)
def test_only_a_pushed_head_without_filter_is_final(decision: Decision, head: str | None, final: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_final(decision, push(), head) is final


@pytest.mark.parametrize(
    ("decision", "head", "lineage", "state", "reason"),
    [
        (PLAIN, B, {}, "received", ""),
        (PLAIN, B, {"overtaken": True}, "received", ""),
        (PLAIN, A, {}, "superseded", f"already at {'a' * 12}"),
        (PLAIN, A, {"head_ignored": True}, "received", ""),
        (PLAIN, A, {"head_ignored": True, "overtaken": True}, "superseded", "newer push"),
        (PLAIN, "", {}, "ignored", "no longer exists"),
        (PLAIN, None, {}, "received", ""),
        (PLAIN, None, {"overtaken": True}, "superseded", "newer push"),
        (FILTERED["paths"], B, {}, "ignored", "words"),
        (FILTERED["paths"], A, {}, "ignored", "words"),
        (FILTERED["paths"], B, {"base": BaseState.FIRST}, "ignored", "words"),
        (FILTERED["paths"], B, {"base": BaseState.UNKNOWN}, "received", ""),
        (FILTERED["paths"], B, {"base": BaseState.DROPPED}, "received", ""),
        (FILTERED["paths"], A, {"base": BaseState.DROPPED}, "superseded", "already at"),
        (FILTERED["skip-ci"], B, {"base": BaseState.UNKNOWN}, "ignored", "words"),
        (FILTERED["skip-ci"], B, {"base": BaseState.DROPPED}, "received", ""),
    ],
)
def test_decisions_by_branch(
    decision: Decision, head: str | None, lineage: dict[str, Any], state: str, reason: str
) -> None:
    decided = decide_by_branch(decision, push(), head=head, lineage=replace(HANDLED, **lineage))
    assert decided.state == state
    assert reason in decided.reason
    assert bool(decided.code) == (state == "ignored")
