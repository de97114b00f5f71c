"""Invariant 2: one (provider, delivery id) yields one event, sent in parallel, later, or after a crash."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from functions.common.adapters.postgres.client import Postgres
from tests.fakes.loopback_broker import loopback_broker
from tests.webhook_sender import payload, read_json, sender

PARALLEL = 12


def test_invariant_02_once_sent_in_parallel(database: str) -> None:
    body = payload("forgejo/push")
    with loopback_broker() as broker, ThreadPoolExecutor(PARALLEL) as threads:
        # Two endpoints, as two instances of the function are.
        forges = [sender(database, broker.url) for _ in range(2)]
        for round_ in range(5):
            delivery = f"d-{round_}"
            answers = list(
                threads.map(
                    lambda n, delivery=delivery: forges[n % 2].send("forgejo", "push", body, delivery=delivery),
                    range(PARALLEL),
                )
            )
            assert Counter(answer.status_code for answer in answers) == {202: 1, 200: PARALLEL - 1}
            assert len({read_json(answer)["event"] for answer in answers}) == 1

    assert Counter(event["data"]["delivery"] for event in broker.events) == {f"d-{n}": 1 for n in range(5)}
    assert len({event["id"] for event in broker.events}) == 5
    assert Postgres(database).run("select count(*) from webhook_deliveries") == [[5]]


def test_invariant_02_once_sent_again_later_even_with_another_body(database: str) -> None:
    with loopback_broker() as broker:
        first = sender(database, broker.url).send("forgejo", "push", payload("forgejo/push"))
        # A new instance, as after a crash: nothing is remembered but what is stored.
        again = sender(database, broker.url).send("forgejo", "push", payload("forgejo/push-new-branch"))

    assert (first.status_code, again.status_code) == (202, 200)
    assert read_json(first) == read_json(again)
    assert len(broker.events) == 1


def test_invariant_02_once_for_each_provider_and_delivery(database: str) -> None:
    with loopback_broker() as broker:
        forge = sender(database, broker.url)
        for provider, delivery in (("forgejo", "d-1"), ("gitea", "d-1"), ("forgejo", "d-2")):
            assert forge.send(provider, "push", payload(f"{provider}/push"), delivery=delivery).status_code == 202

    assert len({event["id"] for event in broker.events}) == 3
