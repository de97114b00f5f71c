"""park-event: nothing is dropped, and no push hangs on what will never work."""

import base64
from collections.abc import Iterator

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.events import PostgresDeadLetters
from functions.common.domain.push import PushState
from functions.common.errors import Unavailable
from functions.common.events.envelope import Envelope, from_json
from functions.park_event.handler import dead_letter, function_name, handle, is_permanent
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
    handle(event, letters=PostgresDeadLetters(database=world.database), pushes=world.pushes)


def test_a_dead_letter_is_stored_as_it_was_sent_with_the_answer(world: World) -> None:
    park(world, given_up())
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


def test_a_permanent_error_fails_the_push_with_step_and_reason(world: World) -> None:
    park(world, given_up())
    row = world.database.run("select state, step, reason from pushes where id = 'a'")
    assert row == [["failed", "start-build", "no such repository"]]


@pytest.mark.parametrize("code", ["503", "500", "404", "408", "409", "429", ""])
def test_a_transient_error_leaves_the_push_to_reconcile(world: World, code: str) -> None:
    park(world, given_up(code))
    assert world.state("a") is PushState.RECEIVED


@pytest.mark.parametrize("function", ["report-status", "upsert-dns", "issue-cert"])
def test_an_error_of_a_function_that_a_push_does_not_need_does_not_fail_it(world: World, function: str) -> None:
    park(world, given_up(destination=f"http://{function}.slipway.svc.cluster.local/"))
    assert world.state("a") is PushState.RECEIVED


def test_a_store_that_is_down_is_unavailable(world: World) -> None:
    with pytest.raises(Unavailable):
        handle(given_up(), letters=PostgresDeadLetters(database=Postgres(NOWHERE)), pushes=world.pushes)


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


@pytest.mark.parametrize(
    ("subscriber", "name"),
    [
        (START_BUILD, "start-build"),
        ("http://promote-image/", "promote-image"),
        ("http://127.0.0.1:8080/track-release", "track-release"),
        ("http://localhost:8080", ""),
        ("http://[::1]:80/", ""),
        ("", ""),
    ],
)
def test_the_function_is_read_from_the_subscriber(subscriber: str, name: str) -> None:
    assert function_name(subscriber) == name


def test_which_answers_are_permanent() -> None:
    assert [code for code in (0, 200, 400, 401, 404, 408, 409, 413, 429, 500, 503) if is_permanent(code)] == [
        400,
        401,
        413,
    ]
