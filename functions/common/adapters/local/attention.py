"""What one machine lacks, beside what needs a person on every platform."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from functions.common.domain.app import EVERYTHING, Visibility
from functions.common.ports.attention import Attention, Concern, ConcernKind


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalAttention:
    """Attention of `others`, and for those who see everything what isolation lacks, as it is in `file`."""

    others: Attention
    file: Path

    def concerns(self, *, limit: int, visible: Visibility = EVERYTHING) -> tuple[Concern, ...]:
        """Return what needs a person now; see Attention."""
        found = self.others.concerns(limit=limit, visible=visible)
        if visible != EVERYTHING or not self.file.exists():
            return found
        weak = Concern(
            kind=ConcernKind.WEAK_SANDBOX,
            app="",
            environment="",
            subject="sandbox",
            sha="",
            reason=self.file.read_text(encoding="utf-8"),
            since=datetime.fromtimestamp(self.file.stat().st_mtime, UTC),
        )
        return tuple(sorted((*found, weak), key=lambda one: one.since, reverse=True))[:limit]
