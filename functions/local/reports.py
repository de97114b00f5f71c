"""Reports of what ended, kept until the broker has them."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from functions.common.errors import Rejected, SlipwayError, Unavailable
from functions.common.events.base import CURRENT_CAUSE, Cause, Event
from functions.common.ports.events import EventSink

# What PostgreSQL can keep of a text that came from a program, whose bytes may be any.


def storable(text: str) -> str:
    """Return the text without NUL, which neither text nor jsonb takes, and with `?` for what UTF-8 has no bytes for."""
    return text.encode(errors="replace").decode().replace("\0", "")


# Sending reports to the broker until it has taken them.

_LOG = logging.getLogger(__name__)
_POLL_SECONDS = 0.05
_BACKOFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An event to send; the same `cause` gives the same event id however often it is sent."""

    key: str
    cause: Cause
    event: Event


class Reports(Protocol):
    """Where reports wait; both methods may raise Unavailable."""

    def waiting(self) -> Iterable[Report]:
        """Return the reports that the broker does not have yet, in the order to be sent."""
        ...

    def sent(self, key: str) -> None:
        """Note that the broker has the report."""
        ...


def send_reports(reports: Reports, sink: EventSink, stop: threading.Event) -> None:
    """Send what waits until told to stop; one that the broker refuses for good is logged and left."""
    failures = 0
    while not stop.is_set():
        try:
            for report in reports.waiting():
                _send(report, sink)
                reports.sent(report.key)
            failures = 0
        except Unavailable as error:
            _LOG.warning("reports wait: %s", error)
            failures += 1
        except Exception:  # noqa: BLE001 - a table may not be there yet at the first start; reports must go on
            _LOG.exception("reports wait")
            failures += 1
        pause = _BACKOFF_SECONDS[min(failures, len(_BACKOFF_SECONDS)) - 1] if failures else _POLL_SECONDS
        stop.wait(pause)


def _send(report: Report, sink: EventSink) -> None:
    token = CURRENT_CAUSE.set(report.cause)
    try:
        sink.publish(report.event)
    except Unavailable:
        raise
    except (Rejected, SlipwayError):
        _LOG.exception("the broker refuses report %s", report.key)
    finally:
        CURRENT_CAUSE.reset(token)
