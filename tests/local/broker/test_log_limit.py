"""A failure that repeats itself does not fill the log."""

import logging
import time

from functions.local.broker.log_limit import MAX_LINES, RepeatLimit


def record(text: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord("slipway.broker", logging.WARNING, __file__, 1, text, values, None)


def test_each_statement_is_logged_so_often_and_others_beside_it() -> None:
    limit = RepeatLimit()
    lines = [limit.filter(record("event %s failed", number)) for number in range(1000)]
    assert lines.count(True) == MAX_LINES
    assert limit.filter(record("something else"))


def test_after_its_minute_it_is_logged_again_with_the_number_left_out() -> None:
    limit = RepeatLimit(window_seconds=0.05)
    for number in range(MAX_LINES + 7):
        limit.filter(record("event %s failed", number))
    time.sleep(0.06)
    again = record("event %s failed", "x")
    assert limit.filter(again)
    assert again.getMessage() == "event x failed (7 more like this were not logged before)"
    assert limit.filter(record("event %s failed", "y"))
