"""A measured figure, what it is compared with, and what is wanted of it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    The limits are for `ratio` where there is one, else for `value`; without limits it is only told.
    """

    measure: str
    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def ok(self) -> bool | None:
        """Whether it is as wanted; None when nothing is."""
        judged = self.value if self.ratio is None else self.ratio
        if self.at_most is not None:
            return judged <= self.at_most
        return judged >= self.at_least if self.at_least is not None else None

    @property
    def wanted(self) -> str:
        """The limit in words."""
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return f">= {self.at_least:g}" if self.at_least is not None else ""

    def as_json(self) -> dict[str, object]:
        """Return the fields that machines read."""
        names = ("measure", "value", "unit", "baseline", "ratio", "wanted", "ok", "note")
        return {name: getattr(self, name) for name in names}


def table(rows: Sequence[Row]) -> str:
    """Return all rows as text in columns."""
    lines = [("measure", "value", "baseline", "ratio", "wanted", "ok", "")]
    for row in rows:
        ok = {True: "yes", False: "NO", None: ""}[row.ok]
        value = f"{_number(row.value)} {row.unit}"
        lines.append((row.measure, value, _number(row.baseline), _number(row.ratio), row.wanted, ok, row.note))
    widths = [max(len(line[n]) for line in lines) for n in range(6)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(line[n].rjust(widths[n]) for n in range(1, 6)), line[6]]).rstrip()
        for line in lines
    )


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
