"""The event log, page by page."""

from collections.abc import Mapping
from dataclasses import dataclass

from functions.common.adapters.postgres import Postgres
from functions.common.ports.event_archive import EventRecord

_PAGE = """
select sequence, id, source, type, subject, push, cause, recorded_at from events
where {where} sequence > :after order by sequence limit :limit
"""
_PAGE_BACK = """
select sequence, id, source, type, subject, push, cause, recorded_at from events
where {where} (:before::bigint = 0 or sequence < :before::bigint) order by sequence desc limit :limit
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresEventArchive:
    """EventArchive over the table events."""

    database: Postgres

    def page(self, *, push: str, app: str, after: int, limit: int) -> tuple[EventRecord, ...]:
        """Return a page of events; see EventArchive."""
        return self._page(_PAGE, {"push": push, "app": app}, after=after, limit=limit)

    def page_back(self, *, push: str, app: str, before: int, limit: int) -> tuple[EventRecord, ...]:
        """Return a page of events, newest first; see EventArchive."""
        return self._page(_PAGE_BACK, {"push": push, "app": app}, before=before, limit=limit)

    def _page(self, sql: str, of: Mapping[str, str], **numbers: int) -> tuple[EventRecord, ...]:
        wanted = {name: value for name, value in of.items() if value}
        sql = sql.format(where="".join(f"{name} = :{name} and " for name in wanted))
        return tuple(EventRecord(**row) for row in self.database.rows(sql, **numbers, **wanted))
