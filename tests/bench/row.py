"""A measured figure, what it is compared with, and its bar."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    `before` is the figure of the checkout given by --against. The bar is for `ratio`, to the baseline, where there is
    one, else for `value`. A row without a bar is for information.
    """

    measure: str
    value: float
    unit: str
    before: float | None = None
    baseline: float | None = None
    ratio: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def ok(self) -> bool | None:
        """Whether it meets its bar; None without one."""
        measured = self.value if self.ratio is None else self.ratio
        if self.at_most is not None:
            return measured <= self.at_most
        return measured >= self.at_least if self.at_least is not None else None

    @property
    def bar(self) -> str:
        """The bar in words."""
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return f">= {self.at_least:g}" if self.at_least is not None else ""

    def as_json(self) -> dict[str, object]:
        """Return the fields that machines read."""
        names = ("measure", "before", "value", "unit", "baseline", "ratio", "bar", "ok", "note")
        return {name: getattr(self, name) for name in names}


Statistic = Callable[[Sequence[float]], float]


def percentile(share: float) -> Statistic:
    """Return the statistic that so great a share of the figures does not exceed."""
    return lambda figures: sorted(figures)[min(len(figures) - 1, int(len(figures) * share))]


def row(
    measure: str,
    figures: Sequence[Sequence[float]],
    unit: str,
    *,
    statistic: Statistic = median,
    at_most: float | None = None,
    at_least: float | None = None,
    note: str = "",
) -> Row:
    """Return the row of the figures of this checkout, and of the one before it when there is one."""
    values = [statistic(one) for one in figures]
    before = values[1] if len(values) > 1 else None
    return Row(
        measure=measure, value=values[0], unit=unit, before=before, at_most=at_most, at_least=at_least, note=note
    )


def table(rows: Sequence[Row]) -> str:
    """Return all rows as text in columns; without any figure of another checkout its column is left out."""
    titles = ("measure", "before", "value", "baseline", "ratio", "bar", "ok", "")
    lines = [titles, *map(_cells, rows)]
    has_before = any(one.before is not None for one in rows)
    shown = [number for number, title in enumerate(titles) if has_before or title != "before"]
    widths = {n: max(len(line[n]) for line in lines) for n in shown}
    return "\n".join(
        "  ".join(
            line[n].ljust(widths[n]) if n in {0, len(titles) - 1} else line[n].rjust(widths[n]) for n in shown
        ).rstrip()
        for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    ok = {True: "yes", False: "NO", None: ""}[row.ok]
    before = "" if row.before is None else f"{_number(row.before)} {row.unit}"
    value = f"{_number(row.value)} {row.unit}"
    return (row.measure, before, value, _number(row.baseline), _number(row.ratio), row.bar, ok, row.note)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
