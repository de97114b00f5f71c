"""How long the sink waits for the broker, and when it sends again."""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from functions.common.adapters.broker.sink import BrokerSink
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.events import PostgresEventLog
from functions.common.errors import Rejected, Unavailable
from functions.common.events.envelope import Envelope
from functions.common.platform.core import token_for_broker
from tests.fakes.clock import FakeClock
from tests.fakes.loopback_broker import loopback_broker
from tests.patience import patient

EVENT = Envelope(id="1", source="/s", type="t", subject="", time="2026-01-02T03:04:05+00:00", data={})
PATIENCE = patient(0.3)


def sink_to(url: str) -> BrokerSink:
    """Return a sink that is only used to send events again, so its log is never reached."""
    log = PostgresEventLog(database=Postgres("postgresql://127.0.0.1:9/none"))
    return BrokerSink(url=url, log=log, clock=FakeClock(), token=str, timeout_seconds=PATIENCE)


@contextmanager
def silence() -> Iterator[tuple[str, list[socket.socket]]]:
    """Yield the URL of a server that accepts connections and does not answer, and its connections."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        stop = threading.Event()

        def take() -> None:
            while not stop.is_set():
                try:
                    taken.append(server.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=take)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/", taken
        stop.set()
        thread.join()
        for one in taken:
            one.close()


def test_a_broker_that_does_not_answer_is_tried_once_within_the_time_limit() -> None:
    with silence() as (url, taken):
        started = time.monotonic()
        with pytest.raises(Unavailable, match="does not answer"):
            sink_to(url).resend(EVENT)

        assert time.monotonic() - started < 2 * PATIENCE
        assert len(taken) == 1


def test_a_sink_without_a_url_names_the_missing_setting() -> None:
    with pytest.raises(Unavailable, match="K_SINK is not set"):
        sink_to("").resend(EVENT)


def test_a_kept_connection_that_was_closed_is_replaced() -> None:
    with loopback_broker() as broker:
        sink = sink_to(broker.url)
        sink.resend(EVENT)
        kept = sink._local.post._wire  # noqa: SLF001 - closed as the other side would
        kept.shutdown(socket.SHUT_RDWR)
        sink.resend(EVENT)

        assert len(broker.events) == 2


@pytest.mark.parametrize("ending", [b"Connection: close\r\n\r\n", b"Content-Length: 0\r\n\r\n"])
def test_each_of_many_events_gets_its_own_error(ending: bytes) -> None:
    statuses = iter((b"202 Accepted", b"503 Busy", b"400 No", b"202 Accepted"))

    class Moody(socketserver.StreamRequestHandler):
        """Reads one request after the other and answers as it likes; a closed connection leaves the rest unread."""

        def handle(self) -> None:
            for line in self.rfile:
                if line.lower().startswith(b"content-length:"):
                    self.rfile.readline()
                    self.rfile.read(int(line.split(b":")[1]))
                    self.wfile.write(b"HTTP/1.1 %b\r\n%b" % (next(statuses), ending))
                    if b"close" in ending:
                        return

    with socketserver.TCPServer(("127.0.0.1", 0), Moody) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        sink = sink_to(f"http://127.0.0.1:{server.server_address[1]}/")
        problems = sink.resend_all([replace(EVENT, id=str(number)) for number in range(4)])
        sink._local.post.close()  # noqa: SLF001 - so that the server sees the end
        server.shutdown()

    assert [type(one) for one in problems] == [type(None), Unavailable, Rejected, type(None)]


def test_the_token_goes_with_each_event_and_is_read_again_for_each(tmp_path: Path) -> None:
    file = tmp_path / "token"
    with loopback_broker() as broker:
        sink = replace(sink_to(broker.url), token=partial(token_for_broker, "", file))
        for text in (None, "one\n", "two"):
            if text is not None:
                file.write_text(text)
            sink.resend(EVENT)
        replace(sink, token=partial(token_for_broker, "fixed", file)).resend(EVENT)

    assert broker.tokens == ["", "Bearer one", "Bearer two", "Bearer fixed"]
