"""Procfiles: what they mean and how their errors read."""

import pytest

from functions.common.errors import Rejected
from functions.local.builds.detect import parse_procfile


def test_lines_become_processes_and_comments_do_not_count() -> None:
    text = "\n# how to start\nweb: gunicorn app:app --bind $HOST:$PORT\r\n\nworker:python work.py\nrelease: ./migrate\n"

    assert parse_procfile(text) == {
        "web": "gunicorn app:app --bind $HOST:$PORT",
        "worker": "python work.py",
        "release": "./migrate",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("web: a\nworker b\n", r"line 2 .*'worker b'.*TYPE: COMMAND"),
        ("web:\n", r"line 1 "),
        ("web: a\n\nweb: b\n", r"line 3 names 'web' a second time"),
        ("web: a\0b\n", r"the Procfile holds a NUL.*UTF-8"),
    ],
)
def test_a_wrong_line_is_named(text: str, message: str) -> None:
    with pytest.raises(Rejected, match=message):
        parse_procfile(text)
