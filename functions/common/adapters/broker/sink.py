"""The broker by HTTP: records events, then POSTs them to K_SINK in structured mode."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from functions.common.adapters.broker.pipelined_http import PipelinedPost
from functions.common.errors import Rejected, SlipwayError, Unavailable
from functions.common.events.base import CURRENT_CAUSE, Event
from functions.common.events.envelope import CONTENT_TYPE, Envelope, envelop
from functions.common.ports.clock import Clock
from functions.common.ports.events import EventLog

TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSink:
    """EventSink over a broker's ingress; `extensions` are those of K_CE_OVERRIDES.

    `url` is empty until the Broker has an address, which it gets after its dead letter function has started.
    `token` returns the bearer token of the requests, empty for none.
    Each thread keeps its own connection. A broker that accepts a connection has `timeout_seconds` to answer.
    """

    url: str
    log: EventLog
    clock: Clock
    token: Callable[[], str] = field(repr=False)
    extensions: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = TIMEOUT_SECONDS
    _local: threading.local = field(default_factory=threading.local, repr=False)

    def publish(self, event: Event, *, discriminator: str = "") -> Envelope:
        """Record and send a new event; see EventSink."""
        cause = CURRENT_CAUSE.get()
        envelope = envelop(event, cause=cause, time=self.clock.now().isoformat(), discriminator=discriminator)
        self.log.append(envelope, cause=cause.id)
        self.resend(envelope)
        return envelope

    def resend(self, envelope: Envelope) -> None:
        """Send an event as it is; see EventSink."""
        for error in self.resend_all((envelope,)):
            if error is not None:
                raise error

    def resend_all(self, envelopes: Sequence[Envelope]) -> list[SlipwayError | None]:
        """Send events as they are, pipelined; return for each the error that `resend` would raise, or None."""
        if not self.url:
            unset = Unavailable("K_SINK is not set (yet): a SinkBinding sets it to the Broker's address")
            return [unset] * len(envelopes)
        statuses = self._post_all([self._body(envelope) for envelope in envelopes])
        return [self._error(*one) for one in zip(envelopes, statuses, strict=True)]

    def _body(self, envelope: Envelope) -> bytes:
        if self.extensions:
            envelope = replace(envelope, extensions={**envelope.extensions, **self.extensions})
        return envelope.to_json().encode()

    def _error(self, envelope: Envelope, status: int | None) -> SlipwayError | None:
        if status is None:
            return Unavailable(f"the broker at {urlsplit(self.url).netloc} does not answer")
        if status in {400, 413, 422, 431}:
            return Rejected(f"the broker refuses event {envelope.id} ({envelope.type}) with {status}")
        if not 200 <= status < 300:  # noqa: PLR2004 - HTTP's successes
            return Unavailable(f"the broker answers {status}; the event {envelope.id} is kept and is sent again later")
        return None

    def _post_all(self, bodies: Sequence[bytes]) -> list[int | None]:
        """Return the statuses, None where there was no answer."""
        post, statuses, token = self._connection(), list[int](), self.token()
        # A kept connection may have been closed by the server: repeat on a new one. Do not repeat after a time-out.
        while len(statuses) < len(bodies):
            was_open, left = post.is_open, bodies[len(statuses) :]
            post.send(left, token=token)
            found = post.statuses(len(left))
            statuses += found
            if post.timed_out or not (was_open or found):
                break
        return [*statuses, *[None] * (len(bodies) - len(statuses))]

    def _connection(self) -> PipelinedPost:
        post: PipelinedPost | None = getattr(self._local, "post", None)
        if post is None:
            post = PipelinedPost(url=self.url, content_type=CONTENT_TYPE, timeout_seconds=self.timeout_seconds)
            self._local.post = post
        return post
