"""A program that says something ten times a second: `python -I -S ticker.py`.

supervisord looks after its programs when one of them says something, and else once a second. So a
program that ended is started again in a tenth of a second.
"""

import os
import time

_SECONDS = 0.1


def tick() -> None:
    """Write until nobody reads."""
    while True:
        os.write(1, b".")
        time.sleep(_SECONDS)


if __name__ == "__main__":
    tick()
