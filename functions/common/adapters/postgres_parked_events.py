"""Dead letters in the table dead_letters, for looking at and settling."""

from dataclasses import dataclass
from typing import Any

from functions.common.adapters.postgres import Postgres
from functions.common.events.envelope import from_json
from functions.common.ports.parked_events import ParkedEvent

_SELECT = """
select id, body, app, push, subscriber, code, error, state, parked_at, ended_at from dead_letters
"""
_PAGE = (
    _SELECT
    + """
where (:state = '' or state = :state) and (:before::bigint = 0 or id < :before::bigint) order by id desc limit :limit
"""
)
_FIND = _SELECT + "where id = :id"
_SETTLE = """
update dead_letters set state = :state, ended_at = now() where id = :id and state = 'parked' returning id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresParkedEvents:
    """ParkedEvents over the table dead_letters."""

    database: Postgres

    def page(self, *, state: str, before: int, limit: int) -> tuple[ParkedEvent, ...]:
        """Return a page of dead letters; see ParkedEvents."""
        return tuple(_parked(row) for row in self.database.rows(_PAGE, state=state, before=before, limit=limit))

    def find(self, number: int) -> ParkedEvent | None:
        """Return one dead letter; see ParkedEvents."""
        rows = self.database.rows(_FIND, id=number)
        return _parked(rows[0]) if rows else None

    def settle(self, number: int, state: str) -> bool:
        """End a parked event; see ParkedEvents."""
        return bool(self.database.run(_SETTLE, id=number, state=state))


def _parked(row: dict[str, Any]) -> ParkedEvent:
    body = row.pop("body")
    return ParkedEvent(event=from_json(body), **row)
