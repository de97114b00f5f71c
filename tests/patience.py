"""How long tests wait: one factor on every time limit, for machines that do other work too."""

import os

FACTOR = float(os.environ.get("SLIPWAY_TEST_PATIENCE", "1"))  # noqa: TID251 - the tests' only setting of time


def patient(seconds: float) -> float:
    """Return the time limit on this machine."""
    return seconds * FACTOR
