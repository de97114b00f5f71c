"""Schedules of PingSources: minute, hour, day of month, month, day of week."""

from dataclasses import dataclass
from datetime import datetime

from functions.common.errors import Rejected

_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_SUNDAY = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The allowed values of each field; `by_minutes` when only the minute is narrowed down."""

    fields: tuple[frozenset[int], ...]
    any_day: bool
    any_weekday: bool
    by_minutes: bool

    def matches(self, at: datetime) -> bool:
        """Return whether the schedule ticks in this minute; day and weekday, both given, are alternatives."""
        minute, hour, day, month, weekday = self.fields
        is_day, is_weekday = at.day in day, at.isoweekday() % 7 in weekday
        by_date = is_day or is_weekday if not (self.any_day or self.any_weekday) else is_day and is_weekday
        return at.minute in minute and at.hour in hour and at.month in month and by_date


def parse(text: str) -> Schedule:
    """Return the schedule. Raises Rejected when it is none of five fields of numbers, `*`, `-`, `,` and `/`."""
    parts = text.split()
    if len(parts) != len(_RANGES):
        msg = f"schedule {text!r} must have five fields: minute hour day month weekday"
        raise Rejected(msg)
    try:
        fields = [_field(part, *limits) for part, limits in zip(parts, _RANGES, strict=True)]
    except ValueError as error:
        msg = f"schedule {text!r} cannot be read: {error}"
        raise Rejected(msg) from error
    weekday = frozenset(day % _SUNDAY for day in fields[4])
    return Schedule(
        fields=(*fields[:4], weekday),
        any_day=parts[2] == "*",
        any_weekday=parts[4] == "*",
        by_minutes=parts[1:] == ["*"] * 4,
    )


def _field(text: str, low: int, high: int) -> frozenset[int]:
    values = set[int]()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start = low if span == "*" else int(first)
        end = high if span == "*" or (step and not last) else int(last or first)
        if not low <= start <= end <= high or (step and int(step) < 1):
            msg = f"{part!r} is not within {low}-{high}"
            raise ValueError(msg)
        values.update(range(start, end + 1, int(step or 1)))
    return frozenset(values)
