"""What real forges sent goes through the real endpoint: accepted, ignored with a reason, or refused with a reason."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.delivery import Provider
from functions.common.events.base import Event
from functions.common.ports.deliveries import Ignored
from functions.verify_webhook.app import FORGES
from tests.conftest import SHARED
from tests.fakes.loopback_broker import loopback_broker
from tests.webhook_sender import Sender, published, read_json, sender

FIXTURES = SHARED / "fixtures"
pytestmark = pytest.mark.skipif(not FIXTURES.exists(), reason="the recorded payloads are not part of the repository")

_GITLAB_HOOKS = {
    "push": "Push Hook",
    "tag_push": "Tag Push Hook",
    "merge_request": "Merge Request Hook",
    "note": "Note Hook",
    "issue": "Issue Hook",
    "pipeline": "Pipeline Hook",
    "release": "Release Hook",
}
_SHAPES = ("pull_request", "comment", "issue", "check_run", "check_suite", "release", "forkee", "commits")
_MEANINGS = {"comment": "issue_comment", "issue": "issues", "forkee": "fork", "commits": "push"}


def files(forge: str) -> list[Path]:
    return sorted((FIXTURES / forge / "webhooks").rglob("*.json"))


def index() -> dict[str, str]:
    lines = (FIXTURES / "INDEX.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return {row[0]: row[-1] for row in rows}


def kind_of(path: Path, forge: str, body: dict[str, Any], known: dict[str, str]) -> str:
    """Return the event: from the recorded headers, the index, the folder, or the body's shape."""
    recorded = path.with_name(path.stem + ".headers.txt")
    text = recorded.read_text() if recorded.exists() else known.get(str(path.relative_to(FIXTURES)), "")
    named = re.search(rf"X-{forge}-Event(?:-Type)?: *([A-Za-z_ ]+)", text, re.IGNORECASE)
    if named:
        return named[1].strip()
    if forge == "gitlab":
        return _GITLAB_HOOKS.get(str(body.get("object_kind")), "System Hook")
    shape = next((shape for shape in _SHAPES if shape in body), "unknown")
    return _MEANINGS.get(shape, shape)


def send_all(forge: str, target: Sender) -> Counter[tuple[str, int, str]]:
    known, counts = index(), Counter[tuple[str, int, str]]()
    for number, path in enumerate(files(forge)):
        body = path.read_bytes()
        content = json.loads(body)
        kind = kind_of(path, forge, content, known)
        answer = target.send(forge, kind, body, delivery=f"recorded-{number}")
        said = read_json(answer)
        assert answer.status_code in {200, 202, 400}, f"{path}: {answer.status_code} {said}"
        assert said.get("event") or said.get("reason") or said.get("error"), f"{path}: no reason in {said}"
        after = str(content.get("after", ""))
        if kind.lower() in {"push", "push hook"} and "repository" in content and len(after) == 40:
            deleted_tag = content["ref"].startswith("refs/tags/") and not after.strip("0")
            assert answer.status_code == (200 if deleted_tag else 202), f"{path}: {said}"
        counts[kind, answer.status_code, said.get("reason", said.get("error", ""))] += 1
    return counts


@pytest.mark.parametrize("forge", ["forgejo", "gitea", "github", "gitlab"])
def test_every_recorded_payload_has_an_answer(forge: str, database: str) -> None:
    with loopback_broker() as broker:
        counts = send_all(forge, sender(database, broker.url))
        events = Counter(event["type"].split(".", 2)[2] for event in broker.events)
    total = Counter[int]()
    for (kind, status, reason), number in sorted(counts.items()):
        total[status] += number
        print(f"{forge:8} {kind:28} {status} {number:4}  {reason[:90]}")  # noqa: T201 - a table for people (-s)
    print(f"{forge:8} {sum(total.values())} payloads: {dict(total)}; events {dict(events)}")  # noqa: T201 - as above

    assert total[202] == events.total()
    assert events["push.received.v1"] > 0
    assert published(database, total[202]) == total[202]
    assert Postgres(database).run("select count(*) from webhook_deliveries") == [[sum(total.values())]]


def test_recorded_payloads_of_gitlab_mean_the_same_in_a_system_hook() -> None:
    """Older instances send pushes with `event_name` alone."""
    meanings = Counter[str]()
    for path in files("gitlab"):
        payload = json.loads(path.read_bytes())
        kind = _GITLAB_HOOKS.get(str(payload.get("object_kind")))
        if kind not in {"Push Hook", "Tag Push Hook", "Merge Request Hook"}:
            continue
        expected = _meaning(payload, kind)
        assert _meaning(payload, "System Hook") == expected, path
        if "event_name" in payload:
            older = {name: value for name, value in payload.items() if name != "object_kind"}
            assert _meaning(older, "System Hook") == expected, path
        meanings[type(expected).__name__] += 1
    assert meanings.keys() >= {"PushReceived", "BranchDeleted", "TagCreated", "PullRequestOpened", "PullRequestClosed"}


def _meaning(payload: dict[str, Any], kind: str) -> Event | Ignored:
    return FORGES[Provider.GITLAB].read(payload, kind=kind, delivery_id="d-1")
