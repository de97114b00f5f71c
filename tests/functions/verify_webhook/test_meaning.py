"""Which event each payload of a forge is."""

import json
from typing import Any

import pytest

from functions.common.domain.delivery import Provider
from functions.common.errors import Rejected
from functions.common.events.base import Event
from functions.common.events.push import (
    BranchDeleted,
    PullRequestClosed,
    PullRequestOpened,
    PullRequestUpdated,
    PushReceived,
    TagCreated,
)
from functions.common.ports.deliveries import Ignored
from functions.verify_webhook.app import FORGES
from tests.webhook_sender import PUSHES, payload

A, B, ZERO = "a" * 40, "b" * 40, "0" * 40


def read(name: str, kind: str, **changed: object) -> Event | Ignored:
    forge = Provider(name.partition("/")[0])
    content: dict[str, Any] = {**json.loads(payload(name)), **changed}
    return FORGES[forge].read(content, kind=kind, delivery_id="d-1")


def pushed(name: str, kind: str = "push", **changed: object) -> PushReceived:
    event = read(name, kind, **changed)
    assert isinstance(event, PushReceived)
    return event


@pytest.mark.parametrize(("forge", "kind"), PUSHES.items())
def test_a_push_is_the_same_event_from_every_forge(forge: Provider, kind: str) -> None:
    event = pushed(f"{forge}/push", kind)

    assert (event.ref, event.branch, event.before, event.after) == ("refs/heads/main", "main", A, B)
    assert (event.message, event.author) == ("Say hello\n\nto everybody", "ada")
    assert event.complete == bool(event.changed)
    assert event.repository.urls[0].startswith("https://")
    assert event.repository.default_branch in {"main", ""}
    assert (event.provider, event.delivery) == (forge, "d-1")


@pytest.mark.parametrize("forge", [Provider.FORGEJO, Provider.GITEA, Provider.GITHUB, Provider.GITLAB])
def test_these_forges_list_the_changed_files_and_the_default_branch(forge: Provider) -> None:
    event = pushed(f"{forge}/push", PUSHES[forge])

    assert (event.changed, event.complete) == (("README.md", "hello.py"), True)
    assert event.repository.default_branch == "main"


def test_a_system_hook_of_gitlab_is_a_push_without_the_names_of_files() -> None:
    event = pushed("gitlab/system-push", "System Hook")

    assert (event.ref, event.branch, event.before, event.after) == ("refs/heads/main", "main", A, B)
    assert (event.message, event.author) == ("Say hello\n\nto everybody", "Ada")
    assert (event.changed, event.complete) == ((), False)
    assert event.repository.urls[0] == "https://gitlab.example.org/team/group/hello.git"


@pytest.mark.parametrize("name", ["push", "push-branch-deleted", "push-tag", "merge-request-updated"])
def test_a_system_hook_of_gitlab_is_the_same_event_as_the_hook_of_a_project(name: str) -> None:
    kind = {"push": "Push Hook", "push-tag": "Tag Push Hook"}.get(name, "Merge Request Hook")

    assert read(f"gitlab/{name}", "System Hook") == read(f"gitlab/{name}", kind)
    if name.startswith("push"):
        assert read(f"gitlab/{name}", "System Hook", object_kind=None) == read(f"gitlab/{name}", kind)


@pytest.mark.parametrize("ref", ["refs/heads/feature/main", "feature/main"])
def test_a_branch_is_all_after_refs_heads(ref: str) -> None:
    event = pushed("forgejo/push", ref=ref)

    assert (event.ref, event.branch) == ("refs/heads/feature/main", "feature/main")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("forgejo/delete-branch", "delete"),
        ("gitea/delete-branch", "delete"),
        ("github/push-branch-deleted", "push"),
        ("gitlab/push-branch-deleted", "Push Hook"),
        ("gitlab/system-push-branch-deleted", "System Hook"),
    ],
)
def test_a_deleted_branch_is_no_push(name: str, kind: str) -> None:
    event = read(name, kind)

    assert isinstance(event, BranchDeleted)
    assert event.branch == "feature/main"


def test_a_push_of_zeros_deletes_the_branch_in_older_gitea() -> None:
    assert isinstance(read("gitea/push", "push", after=ZERO), BranchDeleted)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("forgejo/push-tag", "push"),
        ("github/push-tag", "push"),
        ("gitlab/push-tag", "Tag Push Hook"),
        ("gitlab/system-tag-push", "System Hook"),
    ],
)
def test_a_tag_is_kept_for_the_record(name: str, kind: str) -> None:
    event = read(name, kind)

    assert isinstance(event, TagCreated)
    assert (event.tag, event.sha) == ("v1.0.0", B)


@pytest.mark.parametrize(
    ("name", "kind", "changed", "reason"),
    [
        ("forgejo/push-tag-deleted", "push", {}, "tag v1.0.0 was deleted"),
        ("forgejo/delete-branch", "delete", {"ref": "v1.0.0", "ref_type": "tag"}, "refs/tags/v1.0.0 was deleted"),
        ("forgejo/create-branch", "create", {}, "repeats the push event"),
        ("gitea/create-branch", "create", {}, "repeats the push event"),
        ("github/push", "delete", {}, "repeats the push event"),
        ("github/ping", "ping", {}, "a ping"),
        ("github/push", "status", {}, "status events"),
        ("gitea/push", "status", {}, "status events"),
        ("forgejo/push", "push", {"ref": "refs/for/main"}, "neither a branch nor a tag"),
        ("forgejo/pull-request-opened", "pull_request", {"action": "labeled"}, "'labeled'"),
        ("forgejo/pull-request-opened", "pull_request_label", {"action": "label_updated"}, "pull_request_label"),
        ("gitlab/merge-request-labelled", "Merge Request Hook", {}, "without new commits"),
        ("gitlab/push", "Note Hook", {}, "Note Hook events"),
        ("gitlab/system-repository-update", "System Hook", {}, "enable push events in the system hook"),
        ("gitlab/system-project-create", "System Hook", {}, "'project_create' in a System Hook"),
        ("gitlab/system-project-create", "System Hook", {"event_name": None}, "an event without a name in a System"),
        ("gitlab/system-project-create", "System Hook", {"object_kind": "note"}, "'note' in a System Hook"),
        ("gitlab/merge-request-labelled", "System Hook", {}, "without new commits"),
        ("gitlab/push-tag", "System Hook", {"after": ZERO}, "tag v1.0.0 was deleted"),
    ],
)
def test_an_ignored_webhook_has_a_reason(name: str, kind: str, changed: dict[str, Any], reason: str) -> None:
    event = read(name, kind, **changed)

    assert isinstance(event, Ignored)
    assert reason in event.reason


def test_pull_requests_open_update_and_close() -> None:
    opened = read("forgejo/pull-request-opened", "pull_request")
    grown = read("forgejo/pull-request-opened", "pull_request_sync", action="synchronized")
    updated = read("gitlab/merge-request-updated", "Merge Request Hook")
    merged = read("github/pull-request-merged", "pull_request")

    assert isinstance(opened, PullRequestOpened)
    assert (opened.number, opened.branch, opened.sha, opened.target, opened.fork) == (
        4,
        "feature/main",
        B,
        "main",
        False,
    )
    assert isinstance(grown, PullRequestUpdated)
    assert isinstance(updated, PullRequestUpdated)
    assert (updated.number, updated.branch, updated.sha, updated.fork) == (4, "feature/main", B, False)
    assert isinstance(merged, PullRequestClosed)
    assert (merged.merged, merged.fork) == (True, True)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("forgejo/push", {"before": ZERO}),
        ("forgejo/push", {"total_commits": 2}),
        ("forgejo/push", {"total_commits": None}),
        ("forgejo/push", {"commits": [], "total_commits": 0}),
        ("gitea/push", {"commits": [{"id": B, "added": None, "removed": [], "modified": ["a"]}]}),
        ("gitlab/push", {"total_commits_count": 21}),
        ("github/push-forced", {}),
        ("github/push", {"commits": [{"id": B, "added": ["a"], "removed": [], "modified": []}] * 2048}),
        (
            "github/push",
            {"commits": [{"id": B, "added": [f"{n}" for n in range(3000)], "removed": [], "modified": []}]},
        ),
        (
            "forgejo/push",
            {"commits": [{"id": B, "added": [f"{n}" for n in range(1001)], "removed": [], "modified": []}]},
        ),
    ],
)
def test_an_incomplete_list_of_changes_is_marked_so(name: str, changed: dict[str, Any]) -> None:
    kind = "Push Hook" if name.startswith("gitlab") else "push"

    assert not pushed(name, kind, **changed).complete


def test_a_first_push_without_commits_and_head_is_a_push() -> None:
    event = pushed("forgejo/push-new-branch", head_commit=None)

    assert (event.before, event.message, event.changed, event.complete) == (ZERO, "", (), False)


def test_a_forced_push_is_marked_so() -> None:
    assert pushed("github/push-forced").forced


@pytest.mark.parametrize(
    ("name", "kind", "changed", "field"),
    [
        ("forgejo/push", "push", {"ref": None}, "field ref "),
        ("forgejo/push", "push", {"ref": 5}, "field ref "),
        ("forgejo/push", "push", {"ref": "refs/heads/"}, "field ref "),
        ("forgejo/push", "push", {"ref": "refs/heads/" + "x" * 2000}, "field ref "),
        ("forgejo/push", "push", {"after": "main"}, "field after "),
        ("forgejo/push", "push", {"before": "?"}, "field before "),
        ("forgejo/push", "push", {"repository": None}, "field repository "),
        ("forgejo/push", "push", {"repository": []}, "field repository "),
        ("forgejo/push", "push", {"repository": {"full_name": "a/b"}}, "clone_url"),
        ("forgejo/push", "push", {"commits": {}}, "field commits "),
        ("forgejo/push", "push", {"commits": [1]}, "field commits[0] "),
        ("forgejo/push", "push", {"commits": [{"added": [1]}]}, "field commits[0].added[0] "),
        ("forgejo/push", "push", {"total_commits": "one"}, "field total_commits "),
        ("github/push", "push", {"forced": "yes"}, "field forced "),
        ("github/push", "pull_request", {"action": "opened"}, "field pull_request "),
        ("forgejo/pull-request-opened", "pull_request", {"number": True}, "field number "),
        ("gitlab/push", "Push Hook", {"object_kind": None}, "field object_kind "),
        ("gitlab/push", "Push Hook", {"project": None}, "field project "),
        ("gitlab/system-push", "System Hook", {"event_name": 7}, "field event_name "),
        ("gitlab/system-push", "System Hook", {"object_kind": []}, "field object_kind "),
        ("gitlab/system-push", "System Hook", {"after": None}, "field after "),
    ],
)
def test_a_wrong_shape_is_refused_naming_the_field(name: str, kind: str, changed: dict[str, Any], field: str) -> None:
    with pytest.raises(Rejected) as refused:
        read(name, kind, **changed)

    assert field in str(refused.value)


def test_text_that_cannot_be_stored_is_replaced() -> None:
    lone = {"id": B, "message": "odd \ud800 text\0", "added": ["\ud800"]}

    event = pushed("forgejo/push", head_commit=lone, commits=[lone])

    assert event.message == "odd ? text"
    assert event.changed == ("?",)


def test_a_sha_256_repository_is_supported() -> None:
    event = pushed("forgejo/push", before="a" * 64, after="b" * 64)

    assert event.after == "b" * 64
    assert isinstance(read("forgejo/push", "push", after="0" * 64), BranchDeleted)
