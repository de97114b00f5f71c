"""Reports: events about ended builds and changed workloads, sent to the broker until it accepts them."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from functions.common.errors import SlipwayError, Unavailable
from functions.common.events.base import CURRENT_CAUSE, Cause, Event
from functions.common.ports.events import EventSink

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
    """A queue of reports; both methods may raise Unavailable."""

    def waiting(self) -> Iterable[Report]:
        """Return the reports that the broker has not accepted yet, in the order to send them."""
        ...

    def sent(self, key: str) -> None:
        """Record that the broker accepted the report."""
        ...


def send_reports(reports: Reports, sink: EventSink, stop: threading.Event) -> None:
    """Send waiting reports until `stop` is set; one that the broker rejects is logged and dropped."""
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
        except Exception:  # noqa: BLE001 - a table may be missing at the first start; reports must go on
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
    except SlipwayError:
        _LOG.exception("the broker rejects report %s", report.key)
    finally:
        CURRENT_CAUSE.reset(token)


def storable(text: str) -> str:
    """Return the output of a program as PostgreSQL can store it: no NUL, and `?` for what UTF-8 cannot encode."""
    return text.encode(errors="replace").decode().replace("\0", "")
