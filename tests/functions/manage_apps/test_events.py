"""Events are listed and replayed, dead letters redriven and discarded, and unsent events kept."""

from datetime import timedelta

import pytest

from functions.common.adapters.postgres.events import PostgresEventOutbox
from functions.common.events.build import BuildRequested
from functions.common.events.envelope import Envelope
from tests.api_world import ApiWorld
from tests.story import KEY, SHA, Story


@pytest.fixture
def requested(story: Story) -> Envelope:
    fields = {"app": "shop", "environment": "production", "push": "push-1", "clone_url": "https://" + KEY}
    return story.event(BuildRequested(repository=KEY, ref="refs/heads/main", sha=SHA, sequence=1, **fields))


def test_events_are_listed_by_push_and_app_and_shown_whole(api: ApiWorld, requested: Envelope) -> None:
    for query in ("push=push-1", "app=shop", "app=shop&push=push-1", ""):
        (item,) = api.get(f"/v1/events?{query}")["items"]
        assert (item["id"], item["type"], item["cause"]) == (requested.id, requested.type, "push-1")
    assert api.get("/v1/events?app=other")["items"] == []
    assert api.get(f"/v1/events/{requested.id}")["data"]["sha"] == SHA


def test_events_are_paged_from_either_end(api: ApiWorld, story: Story, requested: Envelope) -> None:
    later = [story.event(BuildRequested(**requested.data), cause=f"push-{number}").id for number in (2, 3, 4)]
    first = api.get("/v1/events?newest=true&limit=3")
    rest = api.get(f"/v1/events?newest=true&after={first['next']}")

    assert [one["id"] for one in first["items"]] == later[::-1]
    assert [one["id"] for one in rest["items"]] == [requested.id]
    assert [one["id"] for one in api.get("/v1/events?limit=2")["items"]] == [requested.id, later[0]]
    assert api.get("/v1/events?newest=true&app=other")["items"] == []


def test_a_replay_sends_the_event_with_its_own_id(api: ApiWorld, requested: Envelope) -> None:
    dry = api.call("POST", f"/v1/events/{requested.id}/replay", {"dry_run": True})
    assert api.broker.events == []
    sent = api.call("POST", f"/v1/events/{requested.id}/replay")

    assert (dry.status, dry.body["replayed"], sent.status) == (200, False, 202)
    assert "start-build" in {one["function"] for one in dry.body["to"]}
    assert [event["id"] for event in api.broker.events] == [requested.id]


def test_a_dead_letter_is_redriven_once(api: ApiWorld, story: Story, requested: Envelope) -> None:
    number = story.dead_letter(requested)
    (listed,) = api.get("/v1/dead-letters")["items"]
    shown = api.get(f"/v1/dead-letters/{number}")

    assert (listed["id"], listed["event"], listed["error"]) == (number, requested.id, "no such thing")
    assert shown["body"]["data"]["sha"] == SHA
    assert api.call("POST", f"/v1/dead-letters/{number}/redrive").status == 202
    assert api.call("POST", f"/v1/dead-letters/{number}/redrive").status == 409
    assert api.call("POST", f"/v1/dead-letters/{number}/discard").status == 409
    assert [event["id"] for event in api.broker.events] == [requested.id]
    assert api.get("/v1/dead-letters")["items"] == []
    assert api.get("/v1/dead-letters?state=all")["items"][0]["state"] == "redriven"


def test_a_dead_letter_stays_parked_while_the_broker_is_down(api: ApiWorld, story: Story, requested: Envelope) -> None:
    number = story.dead_letter(requested)
    api.broker.status = 503

    assert api.call("POST", f"/v1/dead-letters/{number}/redrive").status == 503
    assert api.get(f"/v1/dead-letters/{number}")["state"] == "parked"
    assert api.call("POST", f"/v1/dead-letters/{number}/discard").body["state"] == "discarded"


def test_the_event_of_a_change_that_cannot_be_sent_is_sent_later(api: ApiWorld) -> None:
    api.broker.status = 503

    answer = api.call("POST", "/v1/apps", {"name": "shop"})

    assert (answer.status, answer.body["queued"], answer.body["name"]) == (202, True, "shop")
    assert api.get("/v1/apps/shop")["state"] == "new"
    outbox = PostgresEventOutbox(database=api.database)
    assert outbox.claim(older_than=timedelta(minutes=1), limit=10) == ()
    (left,) = outbox.claim(older_than=timedelta(0), limit=10)
    assert left.type == "dev.slipway.app.created.v1"
    assert outbox.claim(older_than=timedelta(minutes=1), limit=10) == ()
    outbox.mark_published(left.id)
    assert outbox.claim(older_than=timedelta(0), limit=10) == ()


def test_an_app_that_is_refused_leaves_no_event(api: ApiWorld) -> None:
    api.app("shop")
    api.call("POST", "/v1/apps", {"name": "shop"})

    assert api.types() == ["app.created"]
    assert len(api.get("/v1/events")["items"]) == 1
