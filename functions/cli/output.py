"""What commands print: JSON, or aligned text."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import click

# Control characters, also those of ISO 6429 above 127, and what reorders the text around it.
_UNPRINTABLE = dict.fromkeys((*range(32), *range(127, 160), *range(0x2028, 0x202F), *range(0x2066, 0x206A)), " ")
_STYLES = {
    "live": "green",
    "failed": "red",
    "parked": "red",
    "refused": "red",
    "queued": "yellow",
    "building": "yellow",
    "releasing": "yellow",
    "waiting": "yellow",
}


def print_json(value: object) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_json_line(value: object) -> None:
    """Print one JSON document on one line."""
    click.echo(json.dumps(value, ensure_ascii=False))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows aligned under headings, or the text `empty` on stderr when there are none."""
    cells = [[one_line(cell) for cell in row] for row in rows]
    if not cells:
        click.echo(empty, err=True)
        return
    table = [list(headings), *cells]
    widths = [max(len(row[column]) for row in table) for column in range(len(headings))]
    for row in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_fields(fields: Mapping[str, object]) -> None:
    """Print names and values aligned; empty values are left out."""
    width = max((len(name) for name in fields), default=0)
    for name, value in fields.items():
        text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        if text:
            click.echo(f"{name.ljust(width)}  {one_line(text)}")


def one_line(value: object) -> str:
    """Return a value as one line without control characters, which could manipulate a terminal."""
    return "" if value is None else str(value).translate(_UNPRINTABLE).strip()


def local_time(text: str | None) -> str:
    """Return a time in the machine's zone, to the second."""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S") if text else ""


def duration(seconds: float | None) -> str:
    """Return a duration in ms, s or min."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"  # noqa: PLR2004 - a minute


def colored(state: str) -> str:
    """Return a state in its color; click leaves colors out when the output is piped."""
    return click.style(state, fg=_STYLES[state]) if state in _STYLES else state


def short_sha(sha: Any) -> str:  # noqa: ANN401 - a field of JSON
    """Return the first characters of a sha, enough for `paas explain`."""
    return str(sha or "")[:12]
