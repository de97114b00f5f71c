"""What a sender chose is escaped in logs: it begins no line, moves no cursor and turns no text around."""

import json
import logging
import sys

import pytest

from functions.common.runtime.logs import JsonLines, PlainLines

CHOSEN = {
    "a line of its own": 'x\n2026-01-01 ERROR all is well\r\n{"severity": "ERROR"}',
    "escape sequences": "\x1b[2J\x1b]0;title\x07\x08\x7f",
    "control characters of ISO 6429": "\x9b2J\x85\x90",
    "text that is turned around": "user \u202egnp.exe\u202c \u2066x\u2069 \u200f",
    "separators": "a\u2028b\u2029c\x0b\x0c\x1c\x1e",
    "half a surrogate pair": "\ud83d",
    "what has no width": "a\u200b\ufeff\u00ad\U000e0041",
    "NUL": "\0",
}
WANTED = "Grüße, Ω, 漢字, 😀"
FORMATTERS = {"json": JsonLines(), "plain": PlainLines("%(asctime)s %(levelname)s %(name)s %(message)s")}


def record(chosen: str, *, name: str = "slipway", failed: bool = False) -> logging.LogRecord:
    """Return a record that has the text in its message, its fields, the name of its logger and its exception."""
    info = None
    if failed:
        try:
            raise ValueError(chosen)
        except ValueError:
            info = sys.exc_info()
    made = logging.LogRecord(name, logging.WARNING, "f.py", 1, "refused: %s", (chosen,), info)
    made.fields = {"subject": chosen, "nested": [chosen]}
    return made


@pytest.mark.parametrize("failed", [False, True])
@pytest.mark.parametrize("kind", FORMATTERS)
@pytest.mark.parametrize("what", CHOSEN)
def test_what_a_sender_chose_is_escaped(what: str, kind: str, failed: bool) -> None:  # noqa: FBT001 - a table's column
    chosen = CHOSEN[what]
    text = FORMATTERS[kind].format(record(chosen, name=f"slipway{chosen}", failed=failed))

    first, *others = text.split("\n")
    assert all(line.isprintable() for line in (first, *others))
    assert "refused: " in first
    assert all(line.startswith("    ") for line in others)
    assert bool(others) == (failed and kind == "plain")
    text.encode()  # without half a surrogate pair it can be written
    if kind == "json":
        read = json.loads(text)
        assert (read["message"], read["subject"], read["nested"]) == (f"refused: {chosen}", chosen, [chosen])


@pytest.mark.parametrize("kind", FORMATTERS)
def test_what_people_write_stays_readable(kind: str) -> None:
    assert WANTED in FORMATTERS[kind].format(record(WANTED))
