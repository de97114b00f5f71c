"""Invariant 12, explained: every push has an explanation of what happened and why."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.common.adapters.local.builder import LocalBuilder
from functions.common.domain.build import BuildOrder
from functions.common.events.app import PreviewOpened
from functions.common.events.build import BuildFailed, BuildRequested, BuildStarted, ImagePublished
from functions.common.events.push import PushIgnored, PushReceived, PushSuperseded, Repository, TagCreated
from functions.common.events.release import ReleaseLive, ReleaseStarted, WorkloadChanged
from tests.api_world import ApiWorld, api_world
from tests.story import KEY, SHA, Story

PUSH = "0f3e2a52-3c5e-5c35-9f6e-1d0d5a2f0001"
ABOUT: dict[str, Any] = {"app": "shop", "environment": "production", "push": PUSH}


@pytest.fixture
def api(database: str, tmp_path: Path) -> Iterator[ApiWorld]:
    with api_world(database, tmp_path) as world:
        world.app("shop")
        yield world


@pytest.fixture
def story(api: ApiWorld) -> Story:
    return Story(database=api.database)


def explained(api: ApiWorld, reference: str = SHA) -> dict[str, Any]:
    """Return the explanation; whatever state it is in, the reason must not be missing unless it is live."""
    found: dict[str, Any] = api.get(f"/v1/pushes/{reference}")
    assert found["state"] in {"live", "building", "releasing", "received"} or found["reason"], found
    return found


def began(story: Story) -> None:
    story.delivery("d-1", event_id=PUSH)
    story.event(BuildRequested(**ABOUT, repository=KEY, clone_url="", ref="refs/heads/main", sha=SHA, sequence=1))
    story.event(BuildStarted(**ABOUT, repository=KEY, build="build-1", sha=SHA, sequence=1))


def test_invariant_12_a_live_push_is_explained_step_by_step(api: ApiWorld, story: Story) -> None:
    began(story)
    story.push(PUSH, state="live")
    image: dict[str, Any] = {"digest": "sha256:1", "image": "shop", "processes": {"web": "run"}}
    story.event(ImagePublished(**ABOUT, repository=KEY, build="build-1", sha=SHA, sequence=1, **image))
    story.event(ReleaseStarted(**ABOUT, release=1, digest="sha256:1", sha=SHA))
    story.event(WorkloadChanged(**ABOUT, release=1, phase="shifting", weight=10))
    story.event(ReleaseLive(**ABOUT, release=1, digest="sha256:1", sha=SHA, url="https://shop.apps.example.org/"))

    found = explained(api)

    ((app,),) = ([*push["apps"]] for push in found["pushes"])
    assert (found["state"], found["final"], app["url"]) == ("live", True, "https://shop.apps.example.org/")
    assert [(step["step"], step["state"]) for step in app["steps"]] == [
        ("push", "received"), ("build", "requested"), ("build", "running"), ("image", "published"),
        ("release", "started"), ("release", "shifting"), ("release", "live"),
    ]  # fmt: skip
    assert all(step["seconds"] >= 0 for step in app["steps"][:-1])
    assert app["steps"][5]["details"] == {"release": 1, "weight": 10}
    assert explained(api, PUSH)["pushes"] == explained(api, SHA[:7])["pushes"] == found["pushes"]


def test_invariant_12_a_failed_push_has_the_step_the_reason_and_the_log(api: ApiWorld, story: Story) -> None:
    began(story)
    story.push(PUSH, state="failed", step="install", reason="requirements.txt names nonsense")
    failed = BuildFailed(
        **ABOUT, repository=KEY, build="b", sha=SHA, step="install", reason="requirements.txt names nonsense",
        log_tail="ERROR: no such package",
    )  # fmt: skip
    story.event(failed)

    found = explained(api)

    app = found["pushes"][0]["apps"][0]
    assert (found["state"], found["reason"], app["step"]) == ("failed", "requirements.txt names nonsense", "install")
    assert app["steps"][-1]["details"]["log_tail"] == "ERROR: no such package"


def test_invariant_12_an_ignored_push_has_its_reason(api: ApiWorld, story: Story) -> None:
    story.delivery("d-1", event_id=PUSH)
    story.push(PUSH, state="ignored", code="skip-ci", reason="the message says [skip ci]")
    reason = "the message says [skip ci]"
    story.event(PushIgnored(**ABOUT, repository=KEY, branch="main", sha=SHA, code="skip-ci", reason=reason))

    found = explained(api)

    assert (found["state"], found["reason"]) == ("ignored", "the message says [skip ci]")
    assert found["pushes"][0]["apps"][0]["code"] == "skip-ci"


def test_invariant_12_a_push_without_an_app_has_that_reason(api: ApiWorld, story: Story) -> None:
    story.delivery("d-1", event_id=PUSH)
    story.push(PUSH, app="", environment="", state="ignored", code="no-app", repository="git.example.org/a/b")

    found = explained(api)

    assert found["state"] == "ignored"
    assert "no app matches repo git.example.org/a/b" in found["reason"]


def test_invariant_12_a_superseded_push_has_its_reason(api: ApiWorld, story: Story) -> None:
    began(story)
    story.push(PUSH, state="superseded", reason="a newer push of main came in")
    story.event(PushSuperseded(**ABOUT, sha=SHA, reason="a newer push of main came in"))

    assert (explained(api)["state"], explained(api)["reason"]) == ("superseded", "a newer push of main came in")


def test_invariant_12_a_refused_delivery_is_found_by_its_sha(api: ApiWorld, story: Story) -> None:
    story.delivery("d-1", outcome="refused", reason="field `ref` is missing")

    found = explained(api)

    assert (found["state"], found["final"], found["reason"]) == ("refused", True, "field `ref` is missing")


@pytest.mark.parametrize("published", [True, False])
def test_invariant_12_a_delivery_alone_waits_for_the_broker(api: ApiWorld, story: Story, *, published: bool) -> None:
    repository = Repository(full_name="slipway/shop", urls=())
    fields = {"provider": "forgejo", "delivery": "d-1", "ref": "refs/heads/main", "branch": "main", "before": ""}
    event = PushReceived(push=PUSH, repository=repository, after=SHA, **fields)  # type: ignore[arg-type] # all strings
    story.delivery("d-1", event_id=PUSH, event=story.event(event).to_json(), published=published)

    found = explained(api)

    assert (found["state"], found["final"]) == ("waiting", False)
    assert "waits for the broker" in found["reason"]
    assert ("not published yet" in found["reason"]) is not published


def test_invariant_12_a_push_that_is_being_recorded_has_not_failed(api: ApiWorld, story: Story) -> None:
    repository = Repository(full_name="slipway/shop", urls=())
    fields = {"provider": "forgejo", "delivery": "d-1", "ref": "refs/heads/topic", "branch": "topic", "before": ""}
    event = PushReceived(push=PUSH, repository=repository, after=SHA, **fields)  # type: ignore[arg-type] # all strings
    story.delivery("d-1", event_id=PUSH, event=story.event(event).to_json())
    story.event(
        PreviewOpened(app="shop", environment="topic", push=PUSH, branch="topic", host="topic--shop.example.org")
    )

    found = explained(api)

    assert (found["state"], found["final"]) == ("waiting", False)
    assert "about to record it" in found["reason"]


def test_invariant_12_the_pushes_of_a_deleted_app_are_not_waiting(api: ApiWorld, story: Story) -> None:
    repository = Repository(full_name="slipway/shop", urls=())
    fields = {"provider": "forgejo", "delivery": "d-1", "ref": "refs/heads/main", "branch": "main", "before": ""}
    event = PushReceived(push=PUSH, repository=repository, after=SHA, **fields)  # type: ignore[arg-type] # all strings
    story.delivery("d-1", event_id=PUSH, event=story.event(event).to_json())
    story.event(BuildRequested(**ABOUT, repository=KEY, clone_url="", ref="refs/heads/main", sha=SHA, sequence=1))
    before = explained(api)
    story.event(ReleaseLive(**ABOUT, release=1, digest="sha256:1", sha=SHA, url="https://shop.apps.example.org/"))
    api.call("DELETE", "/v1/apps/shop")

    after = explained(api)

    assert (before["state"], before["final"], before["reason"]) == ("failed", True, "its app was deleted since")
    assert (after["state"], after["final"], after["reason"]) == ("live", True, "its app was deleted since")
    assert after["pushes"][0]["apps"][0]["app"] == "shop"


def received(delivery: str, push: str) -> PushReceived:
    """Return the event of a delivered push of SHA."""
    repository = Repository(full_name="slipway/shop", urls=())
    fields = {"provider": "forgejo", "delivery": delivery, "ref": "refs/heads/main", "branch": "main", "before": ""}
    return PushReceived(push=push, repository=repository, after=SHA, **fields)  # type: ignore[arg-type] # all strings


def live_in_a_deleted_app(story: Story, app: str) -> None:
    """Deliver a push that went live in an app of which no record is left."""
    story.delivery("d-old", event_id="old", event=story.event(received("d-old", "old")).to_json())
    where: dict[str, Any] = {"app": app, "environment": "production", "push": "old"}
    story.event(ReleaseLive(**where, release=1, digest="sha256:1", sha=SHA, url="https://x.example.org/"))


@pytest.mark.parametrize("app", ["shop", "older"])
@pytest.mark.parametrize("state", ["received", "building", "releasing", "failed", "ignored"])
def test_invariant_12_an_older_push_of_a_deleted_app_hides_no_newer_one(
    api: ApiWorld, story: Story, app: str, state: str
) -> None:
    live_in_a_deleted_app(story, app)
    alone = explained(api)
    story.delivery("d-new", event_id=PUSH, event=story.event(received("d-new", PUSH)).to_json())
    unrecorded = explained(api)
    story.push(PUSH, state=state, reason="no Procfile" if state in {"failed", "ignored"} else "")

    found = explained(api)

    assert (alone["state"], [one["deleted"] for push in alone["pushes"] for one in push["apps"]]) == ("live", [True])
    assert (unrecorded["state"], unrecorded["final"]) == ("waiting", False)
    assert (found["state"], found["final"]) == (state, state in {"failed", "ignored"})
    assert [push["id"] for push in found["pushes"]] == ["old", PUSH]


def test_invariant_12_a_build_that_waits_is_queued_with_its_position(api: ApiWorld, story: Story) -> None:
    api.app("blog")
    began(story)
    story.push(PUSH, state="building")
    for name, app in (("build-0", "blog"), ("build-1", "shop")):
        order = {"name": name, "app": app, "environment": "production", "push": PUSH, "ref": "refs/heads/main"}
        order |= {"clone_url": "https://git.example.org/a/b", "sha": SHA}
        LocalBuilder(database=api.database).start(BuildOrder(**order))

    waits = explained(api)
    api.database.run("update platform.builds set state = 'running', lease_until = now() + interval '1 minute'")
    runs = explained(api)

    step = waits["pushes"][0]["apps"][0]["steps"][-1]
    assert (waits["state"], waits["final"], step["state"]) == ("queued", False, "queued")
    assert waits["reason"] == step["reason"] == "position 2 in the queue of builds, behind build-0"
    assert (runs["state"], runs["reason"]) == ("building", "")


def test_invariant_12_a_tag_of_the_commit_alone_deploys_nothing(api: ApiWorld, story: Story) -> None:
    repository = Repository(full_name="slipway/shop", urls=())
    event = TagCreated(provider="forgejo", delivery="d-1", repository=repository, tag="v1", sha=SHA)
    story.delivery("d-1", event_id="tag", event=story.event(event).to_json())

    found = explained(api)

    assert (found["state"], found["final"], found["pushes"]) == ("ignored", True, [])
    assert "nothing is deployed from it" in found["reason"]


def test_invariant_12_a_parked_event_names_the_function_and_the_error(api: ApiWorld, story: Story) -> None:
    began(story)
    story.push(PUSH, state="building")
    parked = story.event(
        ImagePublished(**ABOUT, repository=KEY, build="b", sha=SHA, sequence=1, digest="", image="", processes={})
    )
    story.dead_letter(parked, error="release has no image", subscriber="promote-image")

    steps = explained(api)["pushes"][0]["apps"][0]["steps"]

    assert (steps[-1]["state"], steps[-1]["reason"]) == (
        "parked",
        "promote-image could not handle image.published: release has no image",
    )


def test_invariant_12_a_push_for_two_apps_is_explained_for_each(api: ApiWorld, story: Story) -> None:
    api.app("blog")
    story.delivery("d-1", event_id=PUSH)
    story.push(PUSH, app="blog", state="ignored", code="paths", reason="no path of the app was touched")
    story.push(PUSH, app="shop", state="failed", step="build", reason="no Procfile")

    found = explained(api)

    assert [(app["app"], app["state"]) for app in found["pushes"][0]["apps"]] == [
        ("blog", "ignored"),
        ("shop", "failed"),
    ]
    assert (found["state"], found["reason"]) == ("failed", "no Procfile")


def test_invariant_12_a_second_try_that_is_live_outweighs_the_first_that_failed(api: ApiWorld, story: Story) -> None:
    story.push(PUSH, state="failed", step="build", reason="the registry was down")
    story.push("push-2", state="live", sequence=2)
    story.push("push-3", state="ignored", code="duplicate", reason="this commit is live")

    assert explained(api)["state"] == "live"
