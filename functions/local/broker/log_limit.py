"""Bounds how often one log statement may repeat itself."""

import logging
import time
from dataclasses import dataclass

MAX_LINES = 50
_WINDOW_SECONDS = 60.0


@dataclass(slots=True)
class _Window:
    began: float
    lines: int = 0


class RepeatLimit(logging.Filter):
    """Lets each log statement through `MAX_LINES` times a minute; the first line after that says how many it left out.

    A statement is known by its logger and its text before formatting.
    """

    def __init__(self, *, window_seconds: float = _WINDOW_SECONDS) -> None:
        super().__init__()
        self._window_seconds = window_seconds
        self._windows = dict[tuple[str, str], _Window]()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is logged."""
        now, key = time.monotonic(), (record.name, str(record.msg))
        window = self._windows.setdefault(key, _Window(now))
        if now - window.began >= self._window_seconds:
            left_out = window.lines - MAX_LINES
            self._windows[key] = window = _Window(now)
            if left_out > 0:
                record.msg = f"{record.msg} ({left_out} more like this were not logged before)"
        window.lines += 1
        return window.lines <= MAX_LINES
