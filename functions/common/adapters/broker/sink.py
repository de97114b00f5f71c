"""The broker, by HTTP: events are recorded, then POSTed to K_SINK in the structured form."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from functions.common.adapters.broker.pipelined_http import KeptPost
from functions.common.errors import Rejected, SlipwayError, Unavailable
from functions.common.events.base import CURRENT_CAUSE, Event
from functions.common.events.envelope import CONTENT_TYPE, Envelope, envelop
from functions.common.ports.clock import Clock
from functions.common.ports.events import EventLog

TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSink:
    """EventSink over a broker's ingress; `extensions` are those of K_CE_OVERRIDES.

    Without a `url` it is not there yet: the Broker waits for the function of its dead letters, which must start first.
    Each thread keeps its own connection. A broker that takes connections but does not answer is given up
    after `timeout_seconds`.
    """

    url: str
    log: EventLog
    clock: Clock
    extensions: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = TIMEOUT_SECONDS
    _kept: threading.local = field(default_factory=threading.local, repr=False)

    def publish(self, event: Event, *, discriminator: str = "") -> Envelope:
        """Record and send a new event; see EventSink."""
        cause = CURRENT_CAUSE.get()
        envelope = envelop(event, cause=cause, time=self.clock.now().isoformat(), discriminator=discriminator)
        self.log.append(envelope, cause=cause.id)
        self.resend(envelope)
        return envelope

    def resend(self, envelope: Envelope) -> None:
        """Send an event as it is; see EventSink."""
        for problem in self.resend_all((envelope,)):
            if problem is not None:
                raise problem

    def resend_all(self, envelopes: Sequence[Envelope]) -> list[SlipwayError | None]:
        """Send events as they are, one behind the other; return for each what `resend` would raise, or None."""
        if not self.url:
            return [Unavailable("K_SINK is not set (yet): a SinkBinding names the Broker")] * len(envelopes)
        statuses = self._post_all([self._body(envelope) for envelope in envelopes])
        return [self._problem(*one) for one in zip(envelopes, statuses, strict=True)]

    def _body(self, envelope: Envelope) -> bytes:
        if self.extensions:
            envelope = replace(envelope, extensions={**envelope.extensions, **self.extensions})
        return envelope.to_json().encode()

    def _problem(self, envelope: Envelope, status: int | None) -> SlipwayError | None:
        if status is None:
            return Unavailable(f"the broker at {urlsplit(self.url).netloc} does not answer")
        if status in {400, 413, 422}:
            return Rejected(f"the broker refuses event {envelope.id} ({envelope.type}) with {status}")
        if not 200 <= status < 300:  # noqa: PLR2004 - HTTP's successes
            return Unavailable(f"the broker answers {status}; the event {envelope.id} is kept and will be sent again")
        return None

    def _post_all(self, bodies: Sequence[bytes]) -> list[int | None]:
        """Return the statuses, None where there is no answer; all is sent before the first answer is waited for."""
        post, statuses = self._connection(), list[int]()
        # The other side may close a kept connection: that is tried again on a new one. Silence is not.
        while len(statuses) < len(bodies):
            kept, left = post.is_open, bodies[len(statuses) :]
            post.send(left)
            found = post.statuses(len(left))
            statuses += found
            if post.timed_out or not (kept or found):
                break
        return [*statuses, *[None] * (len(bodies) - len(statuses))]

    def _connection(self) -> KeptPost:
        post: KeptPost | None = getattr(self._kept, "post", None)
        if post is None:
            post = KeptPost(url=self.url, content_type=CONTENT_TYPE, timeout_seconds=self.timeout_seconds)
            self._kept.post = post
        return post
