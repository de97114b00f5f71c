"""Invariant 3: what was answered with a 2xx is stored before the answer, and published now or later."""

import time
from datetime import timedelta

from functions.common.adapters.broker.publisher import COLLECT_SECONDS
from functions.common.adapters.broker.sink import BrokerSink
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.deliveries import PostgresDeliveries
from functions.common.adapters.postgres.events import PostgresEventLog
from functions.common.adapters.system_clock import SystemClock
from tests.contract.deliveries import NOWHERE
from tests.fakes.loopback_broker import LoopbackBroker, loopback_broker
from tests.webhook_sender import payload, published, read_json, sender

AT_ONCE = timedelta(0)


def sink(database: str, broker: LoopbackBroker) -> BrokerSink:
    clock = SystemClock()
    return BrokerSink(url=broker.url, log=PostgresEventLog(database=Postgres(database)), clock=clock, token=str)


def test_invariant_03_durable_while_the_broker_is_down(database: str) -> None:
    with loopback_broker() as broker:
        broker.status = 503
        answer = sender(database, broker.url).send("forgejo", "push", payload("forgejo/push"))
        broker.status = 202
        assert answer.status_code == 202
        assert broker.events == []
        time.sleep(4 * COLLECT_SECONDS)  # a note that it was published would be there by then
        outbox = PostgresDeliveries(database=Postgres(database))
        (envelope,) = outbox.claim(older_than=AT_ONCE, limit=10)
        sink(database, broker).resend(envelope)
        outbox.mark_published(envelope.id)

    assert [event["id"] for event in broker.events] == [read_json(answer)["event"]]
    assert outbox.claim(older_than=AT_ONCE, limit=10) == ()


def test_invariant_03_durable_the_late_event_is_the_same_event(database: str) -> None:
    with loopback_broker() as broker:
        sender(database, broker.url).send("forgejo", "push", payload("forgejo/push"))
        assert published(database, 1) == 1
        # As after a crash between publishing and its note: it is published once more.
        Postgres(database).run("update webhook_deliveries set published_at = null")
        (envelope,) = PostgresDeliveries(database=Postgres(database)).claim(older_than=AT_ONCE, limit=10)
        sink(database, broker).resend(envelope)

    first, second = broker.events
    assert first == second


def test_invariant_03_durable_the_row_is_stored_before_the_event_is_published(database: str) -> None:
    seen = []

    class Watching(LoopbackBroker):
        """Looks into the database whenever an event comes in."""

        def process_request_thread(self, request: object, client_address: object) -> None:
            seen.extend(Postgres(database).run("select event_id, published_at from webhook_deliveries"))
            super().process_request_thread(request, client_address)  # type: ignore[arg-type] # passed through

    with loopback_broker(Watching) as broker:
        answer = sender(database, broker.url).send("forgejo", "push", payload("forgejo/push"))

    assert seen == [[read_json(answer)["event"], None]]


def test_invariant_03_durable_nothing_is_accepted_that_is_not_stored() -> None:
    with loopback_broker() as broker:
        answer = sender(NOWHERE, broker.url).send("forgejo", "push", payload("forgejo/push"))

    assert answer.status_code == 503
    assert broker.events == []
