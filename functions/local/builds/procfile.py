"""Reading a Procfile."""

import re

from functions.common.errors import Rejected

_LINE = re.compile(r"^([A-Za-z0-9_-]+):\s*(\S.*)\Z")


def parse_procfile(text: str) -> dict[str, str]:
    """Return process type -> command; blank lines and `#` comments do not count.

    Raises Rejected with the line's number when a line is no `TYPE: COMMAND`, or a type comes twice, and when
    the file is no text.
    """
    if "\0" in text:
        msg = "the Procfile holds NUL, which no command can have: save it as plain text in UTF-8"
        raise Rejected(msg)
    processes: dict[str, str] = {}
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if not match:
            msg = (
                f"Procfile line {number} cannot be read: {line!r}. Write `TYPE: COMMAND`, such as `web: python app.py`"
            )
            raise Rejected(msg)
        if match[1] in processes:
            msg = f"Procfile line {number} names {match[1]!r} a second time: keep one line for each process type"
            raise Rejected(msg)
        processes[match[1]] = match[2]
    return processes
