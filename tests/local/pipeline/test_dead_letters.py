"""Events that no function can handle."""

import json
import uuid
from typing import Any

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.events import PostgresEventLog
from functions.common.domain.build import build_name
from functions.common.events.build import BuildEnded
from functions.common.events.envelope import from_json
from tests.local.pipeline.developer import begin
from tests.local.pipeline.stage import Stage
from tests.local.waiting import until


def send(stage: Stage, app: str, data: dict[str, Any]) -> str:
    """Record a build.ended and send it to the broker, as a builder does, and return its id."""
    event = {
        "specversion": "1.0", "id": str(uuid.uuid4()), "source": "/elsewhere", "type": BuildEnded.type,
        "subject": f"{app}/production", "slipwayapp": app, "datacontenttype": "application/json", "data": data,
    }  # fmt: skip
    token = stage.platform.instance.event_token
    headers = {"Content-Type": "application/cloudevents+json", "Authorization": f"Bearer {token}"}
    database = Postgres(stage.at.database)
    PostgresEventLog(database=database).append(from_json(json.dumps(event)))
    database.close()
    assert stage.post(stage.at.broker, json.dumps(event).encode(), headers).status_code == 202
    return str(event["id"])


def test_a_poisoned_event_is_parked_shown_and_discarded(stage: Stage) -> None:
    dev = begin(stage, "poisoned")
    event = send(stage, "poisoned", {"poison": True})
    look = "select id from dead_letters where event_id = :event"
    ((number,),) = until(lambda: stage.rows(look, event=event), why="the dead letter")

    assert "record-build" in dev.paas("dead-letters", "list")
    assert '"poison": true' in dev.paas("dead-letters", "show", str(number))
    dev.paas("dead-letters", "discard", str(number))

    assert [one for one in dev.paas_json("dead-letters", "list") if one["event"] == event] == []
    (discarded,) = [one for one in dev.paas_json("dead-letters", "list", "--state", "discarded") if one["id"] == number]
    assert discarded["event"] == event
    dev.paas("dead-letters", "redrive", str(number), code=1)


def test_an_event_that_came_too_early_is_handled_when_it_is_redriven(stage: Stage) -> None:
    dev = begin(stage, "early")
    sha = dev.commit()
    build = build_name("early", "production", sha)
    reported = {"app": "early", "environment": "production", "push": "", "build": build, "state": "failed"}
    event = send(stage, "early", {**reported, "reason": "another reason"})
    look = "select id from dead_letters where event_id = :event"
    ((number,),) = until(lambda: stage.rows(look, event=event), why="the dead letter")
    assert f"build {build} is unknown" in dev.paas("dead-letters", "show", str(number))
    dev.push()
    stage.live(sha, "early")

    dev.paas("dead-letters", "redrive", str(number))

    sentinel = send(stage, "early", {"poison": "the next"})
    until(lambda: stage.rows(look, event=sentinel), why="what came after it")
    assert stage.rows("select state from dead_letters where event_id = :event", event=event) == [["redriven"]]
    assert stage.ended(sha, "early")["state"] == "live"
    assert dev.answer().split()[0] == sha
