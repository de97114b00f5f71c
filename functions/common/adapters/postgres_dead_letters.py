"""Dead letters in the table of that name."""

from dataclasses import dataclass

from functions.common.adapters.postgres import Postgres
from functions.common.ports.dead_letters import DeadLetter

_PARK = """
insert into dead_letters (event_id, source, type, app, push, subscriber, code, error, body)
values (:event_id, :source, :type, :app, :push, :subscriber, :code, :error, :body)
on conflict (event_id, source, subscriber) where state = 'parked' do nothing
returning id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresDeadLetters:
    """DeadLetters over the table dead_letters."""

    database: Postgres

    def park(self, letter: DeadLetter) -> bool:
        """Store a letter once; see DeadLetters."""
        event = letter.event
        rows = self.database.run(
            _PARK,
            event_id=event.id,
            source=event.source,
            type=event.type,
            app=event.extensions.get("slipwayapp", ""),
            push=event.extensions.get("slipwaypush", ""),
            subscriber=letter.subscriber,
            code=letter.code,
            error=letter.error,
            body=event.to_json(),
        )
        return bool(rows)
