"""Schedules of PingSources."""

from datetime import UTC, datetime

import pytest

from functions.common.errors import Rejected
from functions.local.routing import parse

SUNDAY = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ticks"),
    [
        ("* * * * *", True),
        ("*/15 * * * *", True),
        ("*/7 * * * *", False),
        ("30 14 * * *", True),
        ("0-29 * * * *", False),
        ("5,30 9-17/5 * 11 *", True),
        ("30 14 * * 0", True),
        ("30 14 * * 7", True),
        ("30 14 * * 1-5", False),
        ("30 14 1 * 0", True),  # day and weekday, both given, are alternatives
        ("30 14 1 * *", False),
    ],
)
def test_a_schedule_ticks_in_its_minutes(text: str, ticks: bool) -> None:  # noqa: FBT001 - a table's column
    assert parse(text).matches(SUNDAY) is ticks


@pytest.mark.parametrize("text", ["", "* * * *", "60 * * * *", "* * * * mon", "*/0 * * * *", "5-1 * * * *", "@hourly"])
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(Rejected, match="schedule"):
        parse(text)
