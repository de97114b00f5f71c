"""A table of the lines of a document, each with what was seen when it was followed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

WIDTH = 74


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of a document; `problem` is empty when it holds."""

    line: str
    seen: str
    problem: str = ""


@dataclass(slots=True, kw_only=True)
class Table:
    """The rows of one document. `text` is the document, in which every line must stand."""

    name: str
    text: str = ""
    rows: list[Row] = field(default_factory=list)

    def row(self, line: str, check: Callable[[], object]) -> None:
        """Follow a line: the check returns what was seen, and raises AssertionError when the line does not hold."""
        if self.text and _plain(line) not in _plain(self.text):
            self.rows.append(Row(line=line, seen="", problem="the document has no such line"))
            return
        try:
            self.rows.append(Row(line=line, seen=_short(check())))
        except Exception as error:  # noqa: BLE001 - a line that does not hold ends none of the others
            self.rows.append(Row(line=line, seen="", problem=f"{type(error).__name__}: {error}"))

    def leave_out(self, line: str, reason: str) -> None:
        """Record a line that cannot be followed here."""
        self.rows.append(Row(line=line, seen=f"left out: {reason}"))

    @property
    def problems(self) -> list[Row]:
        """The rows that do not hold."""
        return [row for row in self.rows if row.problem]

    def __str__(self) -> str:
        """Return the table as text."""
        lines = [f"{self.name}: {len(self.rows)} lines, {len(self.problems)} do not hold"]
        for row in self.rows:
            mark = "NO" if row.problem else "ok"
            lines.append(f"  {mark}  {row.line[:WIDTH]:{WIDTH}}  {row.problem[:600] or row.seen}")
        return "\n".join(lines)


def document(folder: Path, name: str) -> str:
    """Return the text of a document, empty when it is not on this machine."""
    file = folder / name
    return file.read_text() if file.is_file() else ""


def _plain(text: str) -> str:
    """Return the text without white space, line continuations and Markdown, which copies of the documents differ in."""
    return "".join(text.replace("\\\n", "").replace("`", "").replace("|", "").replace("\\", "").split())


def _short(seen: object) -> str:
    text = " ".join(str(seen).split())
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"
