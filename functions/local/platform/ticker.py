"""A program that writes a byte ten times a second: `python -I -S ticker.py`.

supervisord looks after its programs whenever one of them writes something, and otherwise once a second. With
this one running, a program that ended is restarted within a tenth of a second.
"""

import os
import time

_SECONDS = 0.1


def tick() -> None:
    """Write until the reader is gone."""
    while True:
        os.write(1, b".")
        time.sleep(_SECONDS)


if __name__ == "__main__":
    tick()
