"""Nothing is lost when the broker, NATS or a function is killed in the middle."""

import random
import threading
from pathlib import Path

from tests.local.broker.services import NO_REPLY, Received, Reply, always
from tests.local.broker.world import World
from tests.local.project import service, trigger
from tests.patience import patient

EVENTS = 200
MANIFESTS = (
    service("first")
    + service("second")
    + service("park")
    + trigger("first-asked", "first", type="test.asked.v1")
    + trigger("second-answered", "second", type="test.answered.v1")
)


def unsteady(event: Received) -> Reply:
    """Reject every tenth event, fail others now and then, and answer the rest with an event that follows."""
    if int(event.id) % 10 == 0:
        return 400, {}, b"every tenth is bad"
    if random.random() < 0.1:  # noqa: S311 - no secret
        return 503, {}, b"not now"
    headers = {"ce-specversion": "1.0", "ce-source": "/first", "ce-type": "test.answered.v1", "ce-id": f"r{event.id}"}
    return 200, headers, b""


def test_every_event_is_handled_though_broker_and_nats_are_killed(tmp_path: Path) -> None:
    responders = {"first": unsteady, "second": always(NO_REPLY), "park": always(NO_REPLY)}
    with World(tmp_path, MANIFESTS, responders).running() as world:

        def publish(numbers: range) -> None:
            for number in numbers:
                world.send_surely("test.asked.v1", str(number), {"n": number})

        publishers = [threading.Thread(target=publish, args=(range(n, EVENTS, 4),)) for n in range(4)]
        for publisher in publishers:
            publisher.start()
        for victim, handled in (("broker", 20), ("nats", 60), ("broker", 90), ("nats", 130), ("broker", 160)):
            world.wait(lambda handled=handled: len(set(world.services["first"].ids())) >= handled)  # type: ignore[misc] # bound now
            world.kill(victim)
        for publisher in publishers:
            publisher.join()

        good = {f"r{number}" for number in range(EVENTS) if number % 10}
        bad = {str(number) for number in range(0, EVENTS, 10)}
        world.wait(lambda: set(world.services["second"].ids()) | set(world.services["park"].ids()) >= good | bad)

        assert set(world.services["second"].ids()) == good
        letters = {letter.id: letter.event for letter in world.services["park"].received}
        assert set(letters) == bad
        assert {event["knativeerrorcode"] for event in letters.values()} == {"400"}
        assert all(event["knativeerrordata"] for event in letters.values())


def test_a_function_that_was_away_gets_what_it_missed(tmp_path: Path) -> None:
    responders = {"first": always(NO_REPLY), "second": always(NO_REPLY), "park": always(NO_REPLY)}
    with World(tmp_path, MANIFESTS, responders).running() as world:
        first = world.services["first"]
        first.close()
        world.send("test.asked.v1", "1")
        threading.Event().wait(0.3)  # it is tried meanwhile, and refused
        with first.listening():
            world.wait(lambda: first.ids() == ["1"])

            assert world.services["park"].received == []


def test_a_broker_that_died_while_a_function_worked_hands_the_event_out_again(tmp_path: Path) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def slow(_: Received) -> Reply:
        entered.set()
        go_on.wait(patient(10))
        return NO_REPLY

    responders = {"first": slow, "second": always(NO_REPLY), "park": always(NO_REPLY)}
    with World(tmp_path, MANIFESTS, responders).running() as world:
        world.send("test.asked.v1", "1")
        assert entered.wait(patient(10))
        world.kill("broker")
        go_on.set()
        world.wait(lambda: world.services["first"].ids() == ["1", "1"])


def test_an_event_worked_on_for_long_is_not_handed_out_twice(tmp_path: Path) -> None:
    def slow(_: Received) -> Reply:
        threading.Event().wait(4.0)  # longer than JetStream waits for a silent consumer
        return NO_REPLY

    responders = {"first": slow, "second": always(NO_REPLY), "park": always(NO_REPLY)}
    with World(tmp_path, MANIFESTS, responders).running() as world:
        world.send("test.asked.v1", "1")
        world.send("test.answered.v1", "2")
        world.wait(lambda: world.services["first"].ids() == ["1"] and world.services["second"].ids() == ["2"])
        threading.Event().wait(4.5)

        assert world.services["first"].ids() == ["1"]


def test_while_nats_is_away_the_broker_says_503_and_then_goes_on(tmp_path: Path) -> None:
    responders = {"first": always(NO_REPLY), "second": always(NO_REPLY), "park": always(NO_REPLY)}
    with World(tmp_path, MANIFESTS, responders).running() as world:
        world.processes["nats"].kill()
        world.processes["nats"].wait()
        world.wait(lambda: world.status() == 503)
        assert world.send("test.asked.v1", "1") == 503
        world.start("nats")
        world.send_surely("test.asked.v1", "1")
        world.wait(lambda: world.services["first"].ids() == ["1"])


def test_an_event_that_is_sent_again_is_delivered_again(tmp_path: Path) -> None:
    responders = {"first": always(NO_REPLY), "second": always(NO_REPLY), "park": always(NO_REPLY)}
    with World(tmp_path, MANIFESTS, responders).running() as world:
        for _ in range(3):  # redrive, replay and reconcile send under the event's own id
            assert world.send("test.asked.v1", "1") == 202
        world.wait(lambda: world.services["first"].ids() == ["1", "1", "1"])
