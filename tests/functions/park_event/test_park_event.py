"""park-event: nothing is dropped, and no push hangs on what will never work."""

import base64
from collections.abc import Iterator
from dataclasses import replace

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.events import PostgresDeadLetters
from functions.common.domain.push import PushState
from functions.common.errors import Unavailable
from functions.common.events.envelope import Envelope, from_json
from functions.park_event.handler import dead_letter, handle
from tests.world import World

NOWHERE = "postgresql://postgres@127.0.0.1:1/nowhere"
START_BUILD = "http://start-build.slipway.svc.cluster.local/"


@pytest.fixture
def world(database: str) -> Iterator[World]:
    world = World(database)
    world.app()
    world.push("a")
    yield world
    world.database.close()


def given_up(code: str = "400", destination: str = START_BUILD, error: str = "no such repository") -> Envelope:
    noted = {
        "knativeerrordest": destination,
        "knativeerrorcode": code,
        "knativeerrordata": base64.b64encode(error.encode()).decode(),
    }
    return Envelope(
        id="event-1",
        source="/slipway/resolve-app",
        type="dev.slipway.build.requested.v1",
        subject="hello/production",
        time="2026-01-02T03:04:05+00:00",
        data={"sha": "a"},
        extensions={"slipwayapp": "hello", "slipwaypush": "a", **{name: text for name, text in noted.items() if text}},
    )


def park(world: World, event: Envelope) -> None:
    handle(event, letters=PostgresDeadLetters(database=world.database), log=world.log, pushes=world.pushes)


def record(world: World, *, rejected_by: str = "", reason: str = "no such repository") -> Envelope:
    """Record the event of `given_up`, and that a function rejected it."""
    event = dead_letter(given_up()).event
    world.log.append(event)
    if rejected_by:
        world.log.reject(event, function=rejected_by, reason=reason)
    return event


def test_a_dead_letter_is_stored_as_it_was_recorded_with_the_answer(world: World) -> None:
    record(world)
    park(world, replace(given_up(), data={"sha": "forged"}))
    (row,) = world.database.rows("select * from dead_letters")
    assert (row["subscriber"], row["code"], row["error"]) == (START_BUILD, 400, "no such repository")
    assert (row["app"], row["push"], row["state"]) == ("hello", "a", "parked")
    kept = from_json(row["body"])
    assert kept.data == {"sha": "a"}
    assert kept.extensions == {"slipwayapp": "hello", "slipwaypush": "a"}


def test_a_dead_letter_is_parked_once_for_each_subscriber_and_again_after_it_was_closed(world: World) -> None:
    for event in (given_up(), given_up(), given_up(destination="http://report-status/")):
        park(world, event)
    assert world.database.run("select count(*) from dead_letters") == [[2]]
    world.database.run("update dead_letters set state = 'redriven'")
    park(world, given_up())
    assert world.database.run("select count(*) from dead_letters") == [[3]]


def test_a_rejected_event_fails_its_push_with_step_and_reason(world: World) -> None:
    record(world, rejected_by="start-build")
    park(world, given_up(error="forged"))
    row = world.database.run("select state, step, reason from pushes where id = 'a'")
    assert row == [["failed", "start-build", "no such repository"]]


@pytest.mark.parametrize("code", ["400", "503", "500", "404", ""])
def test_an_event_that_no_function_rejected_leaves_the_push_to_reconcile(world: World, code: str) -> None:
    record(world)
    park(world, given_up(code))
    assert world.state("a") is PushState.RECEIVED
    assert world.database.run("select push from dead_letters") == [["a"]]


@pytest.mark.parametrize("function", ["report-status", "upsert-dns", "issue-cert"])
def test_an_error_of_a_function_that_a_push_does_not_need_does_not_fail_it(world: World, function: str) -> None:
    record(world, rejected_by=function)
    park(world, given_up(destination=f"http://{function}.slipway.svc.cluster.local/"))
    assert world.state("a") is PushState.RECEIVED


def test_an_event_that_was_never_recorded_is_kept_as_evidence_and_has_no_app(world: World) -> None:
    park(world, given_up())
    ((app, push, body),) = world.database.run("select app, push, body from dead_letters")
    assert (app, push, from_json(body).extensions) == ("", "", {})
    assert world.state("a") is PushState.RECEIVED


def test_a_letter_of_another_type_than_the_recorded_one_is_not_its_letter(world: World) -> None:
    record(world, rejected_by="start-build")
    park(world, replace(given_up(), type="dev.slipway.image.published.v1"))
    assert world.database.run("select push from dead_letters") == [[""]]
    assert world.state("a") is PushState.RECEIVED


def test_a_store_that_is_down_is_unavailable(world: World) -> None:
    letters = PostgresDeadLetters(database=Postgres(NOWHERE))
    with pytest.raises(Unavailable):
        handle(given_up(), letters=letters, log=world.log, pushes=world.pushes)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("", ""),
        ("YWJj", "abc"),
        ("YWJjZ", "abc"),
        (base64.b64encode("naïve".encode()).decode()[:5], "na"),
        ("not base64!", "not base64!"),
    ],
)
def test_error_data_is_decoded_however_it_was_cut(data: str, text: str) -> None:
    event = given_up()
    extensions = {**event.extensions, "knativeerrordata": data}
    letter = dead_letter(Envelope(id="1", source="s", type="t", subject="", time="", data={}, extensions=extensions))
    assert letter.error == text
