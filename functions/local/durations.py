"""ISO-8601 durations as Knative takes them: PT0.2S, PT1M30S, P1DT2H."""

import re

from functions.common.errors import Rejected

_DURATION = re.compile(
    r"^P(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?$"
)
_SECONDS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def seconds(text: str) -> float:
    """Return the length in seconds. Raises Rejected for anything but days, hours, minutes and seconds."""
    match = _DURATION.match(text)
    parts = {name: value for name, value in match.groupdict().items() if value} if match else {}
    if not parts:
        msg = f"{text!r} is no ISO-8601 duration such as PT0.25S, PT1M or PT2H"
        raise Rejected(msg)
    return sum(float(value) * _SECONDS[name] for name, value in parts.items())
