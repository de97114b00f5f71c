"""The event log, page by page."""

from dataclasses import dataclass

from functions.common.adapters.postgres import Postgres
from functions.common.ports.event_archive import EventRecord

_PAGE = """
select sequence, id, source, type, subject, push, cause, recorded_at from events
where {where} sequence > :after order by sequence limit :limit
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresEventArchive:
    """EventArchive over the table events."""

    database: Postgres

    def page(self, *, push: str, app: str, after: int, limit: int) -> tuple[EventRecord, ...]:
        """Return a page of events; see EventArchive."""
        wanted = {name: value for name, value in (("push", push), ("app", app)) if value}
        sql = _PAGE.format(where="".join(f"{name} = :{name} and " for name in wanted))
        return tuple(EventRecord(**row) for row in self.database.rows(sql, after=after, limit=limit, **wanted))
