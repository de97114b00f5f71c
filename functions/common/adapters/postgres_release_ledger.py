"""Begins releases in the table releases, under a lock on the environment's row."""

import json
from dataclasses import dataclass
from typing import Any

from functions.common.adapters.postgres import Postgres
from functions.common.adapters.release_rows import COLUMNS, release
from functions.common.domain.environment import PRODUCTION
from functions.common.domain.release import Release
from functions.common.ports.release_ledger import Abandoned, Begun, Overtaken, Proposal

_LOCK = """
select label, state, promoted_sequence,
    -- an app that was deleted and made again goes on counting
    greatest(release_number, (select max(number) from releases where app = :app and environment = :environment),
        (select number from release_floors where app = :app and environment = :environment)) as release_number,
    array(select host from custom_domains where app = :app order by host) as domains
from environments where app = :app and name = :environment for update
"""
_FIND = f"""
select {COLUMNS} from releases where app = :app and environment = :environment
    and (cause = :cause or (:push <> '' and kind = 'push' and push = :push and :kind = 'push'))
order by number limit 1
"""  # noqa: S608 - the columns are a constant
_DISPLACED = f"""
select {COLUMNS} from releases
where app = :app and environment = :environment and superseded_by = :number order by number
"""  # noqa: S608 - as above
_OVER = """
select coalesce(max(number), 0) from (
    select number from release_floors where app = :app and environment = :environment
    union all select number from releases
    where app = :app and environment = :environment and not cast(:open as boolean)) as over
"""
_CONFIG = "select key, value from config_vars where app = :app and scope = :scope"
_SUPERSEDE = f"""
update releases set state = 'superseded', reason = :reason, superseded_by = cast(:number as integer),
    moved_at = now(), ended_at = now()
where app = :app and environment = :environment and state = 'started' returning {COLUMNS}
"""  # noqa: S608 - as above
_RETIRE = """
update releases set state = 'retired', moved_at = now()
where app = :app and environment = :environment and state = 'live'
"""
_NUMBER = """
update environments set release_number = :number, promoted_sequence = greatest(promoted_sequence, :sequence)
where app = :app and name = :environment
"""
_INSERT = f"""
insert into releases
    (app, environment, number, kind, cause, push, sha, sequence, digest, image, processes, config, note)
values (:app, :environment, :number, :kind, :cause, :push, :sha, :sequence, :digest, :image,
    cast(:processes as jsonb), cast(:config as jsonb), :note)
returning {COLUMNS}
"""  # noqa: S608 - as above


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresReleaseLedger:
    """ReleaseLedger over the tables environments, releases and config_vars."""

    database: Postgres

    def begin(self, proposal: Proposal) -> Begun | Overtaken:
        """Begin a release, or return the one that the cause has; see ReleaseLedger."""
        where = {"app": proposal.app, "environment": proposal.environment}
        with self.database.transaction():
            locked = self.database.rows(_LOCK, **where)
            if not locked:
                return Overtaken(reason=f"{proposal.app}/{proposal.environment} is gone")
            place = locked[0]
            found = self.database.rows(_FIND, **where, cause=proposal.cause, push=proposal.push, kind=proposal.kind)
            if found:
                began = release(found[0])
                rows = self.database.rows(_DISPLACED, **where, number=began.number)
            elif reason := _overtaken(proposal, place):
                return Overtaken(reason=reason)
            else:
                number = place["release_number"] + 1
                rows = self._supersede(where, number=number, reason=f"release v{number} took its place")
                began = self._insert(proposal, place, number)
        domains = tuple(place["domains"]) if proposal.environment == PRODUCTION else ()
        displaced = tuple(release(row) for row in rows)
        return Begun(release=began, label=place["label"], custom_domains=domains, displaced=displaced)

    def abandon(self, app: str, environment: str) -> Abandoned:
        """Supersede what is unfinished in a closed environment; see ReleaseLedger."""
        where = {"app": app, "environment": environment}
        with self.database.transaction():
            locked = self.database.rows(_LOCK, **where)
            is_open = bool(locked) and locked[0]["state"] == "open"
            through = self.database.run(_OVER, **where, open=is_open)[0][0]
            if is_open:
                return Abandoned(through=through)
            rows = self._supersede(where, number=None, reason=f"{app}/{environment} was closed")
            self.database.run(_RETIRE, **where)
        return Abandoned(through=through, displaced=tuple(release(row) for row in rows))

    def _supersede(self, where: dict[str, str], *, number: int | None, reason: str) -> list[dict[str, Any]]:
        return self.database.rows(_SUPERSEDE, **where, number=number, reason=reason)

    def _insert(self, proposal: Proposal, place: dict[str, Any], number: int) -> Release:
        where = {"app": proposal.app, "environment": proposal.environment}
        sequence = place["promoted_sequence"] if proposal.sequence is None else proposal.sequence
        config = self._config(proposal) if proposal.config is None else proposal.config
        self.database.run(_NUMBER, **where, number=number, sequence=sequence)
        rows = self.database.rows(
            _INSERT,
            **where,
            number=number,
            kind=proposal.kind.value,
            cause=proposal.cause,
            push=proposal.push,
            sha=proposal.sha,
            sequence=sequence,
            digest=proposal.digest,
            image=proposal.image,
            processes=json.dumps(proposal.processes),
            config=json.dumps(config),
            note=proposal.note,
        )
        return release(rows[0])

    def _config(self, proposal: Proposal) -> dict[str, str]:
        scope = PRODUCTION if proposal.environment == PRODUCTION else "preview"
        return {str(key): str(value) for key, value in self.database.run(_CONFIG, app=proposal.app, scope=scope)}


def _overtaken(proposal: Proposal, place: dict[str, Any]) -> str:
    if place["state"] != "open":
        return f"{proposal.app}/{proposal.environment} is closed"
    if proposal.sequence is not None and proposal.sequence < place["promoted_sequence"]:
        return "a newer push was released first"
    return ""
