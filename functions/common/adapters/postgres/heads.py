"""Branch heads last seen, in the tables forge_repositories and forge_heads."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from functions.common.adapters.postgres.client import Postgres
from functions.common.ports.forge import Watched

_DUE = """
select a.git_key as repository, min(a.git_url) as clone_url, max(f.read_at) is not null as seen,
    (select jsonb_object_agg(branch, settled) filter (where settled <> '') from forge_heads as h
        where h.repository = a.git_key) as settled,
    (select jsonb_object_agg(branch, sha) filter (where sha <> settled and since < now() - cast(:patience as interval))
        from forge_heads as h where h.repository = a.git_key) as waiting,
    coalesce(array_agg(a.branch) filter (where not exists (select 1 from pushes as p where p.app = a.name)
        or exists (select 1 from pushes as p where p.app = a.name and p.repository = a.git_key
            and p.ref = 'refs/heads/' || a.branch)), '{}') as awaited
from projects as a left join forge_repositories as f on f.repository = a.git_key
where a.git_key <> '' group by a.git_key order by max(f.looked_at) nulls first, a.git_key limit :limit
"""
_SEEN = """
insert into forge_repositories (repository, read_at) values (:repository, now())
on conflict (repository) do update set looked_at = now(), read_at = now()
"""
_LOOKED = """
insert into forge_repositories (repository) values (:repository)
on conflict (repository) do update set looked_at = now()
"""
_FORGET = "delete from forge_heads where repository = :repository and branch <> all(cast(:branches as text[]))"
_REMEMBER = """
insert into forge_heads as kept (repository, branch, sha, settled)
select :repository, branch, sha, case when branch = any(cast(:settled as text[])) then sha else '' end
from unnest(cast(:branches as text[]), cast(:shas as text[])) as seen (branch, sha)
on conflict (repository, branch) do update set
    sha = excluded.sha,
    since = case when kept.sha = excluded.sha then kept.since else now() end,
    settled = coalesce(nullif(excluded.settled, ''), kept.settled)
where kept.sha <> excluded.sha or excluded.settled not in ('', kept.settled)
"""
_KNOWN = """
select coalesce((select sha from pushes where repository = :repository and ref = :ref
        order by received_at desc limit 1) = :sha, false)
    or exists (select 1 from webhook_deliveries
        where sha = :sha and sha <> '' and received_at > now() - cast(:within as interval))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresHeadMemory:
    """HeadMemory over the tables projects, forge_repositories and forge_heads."""

    database: Postgres

    def due(self, *, limit: int, patience: timedelta) -> tuple[Watched, ...]:
        """Return repositories to look at; see HeadMemory."""
        return tuple(
            Watched(
                repository=row["repository"],
                clone_url=row["clone_url"],
                heads=(row["settled"] or {}) if row["seen"] else None,
                waiting=row["waiting"] or {},
                awaited=frozenset(row["awaited"]),
            )
            for row in self.database.rows(_DUE, limit=limit, patience=patience)
        )

    def remember(self, repository: str, heads: Mapping[str, str], *, settled: Collection[str]) -> None:
        """Replace what was last seen; see HeadMemory."""
        branches, shas = list(heads), list(heads.values())
        with self.database.transaction():
            self.database.run(_SEEN, repository=repository)
            self.database.run(_FORGET, repository=repository, branches=branches)
            self.database.run(_REMEMBER, repository=repository, branches=branches, shas=shas, settled=list(settled))

    def looked(self, repository: str) -> None:
        """Note a look in vain; see HeadMemory."""
        self.database.run(_LOOKED, repository=repository)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPushSightings:
    """PushSightings over the tables pushes and webhook_deliveries."""

    database: Postgres

    def known(self, repository: str, branch: str, sha: str, *, within: timedelta) -> bool:
        """Return whether a head came in by a webhook; see PushSightings."""
        ref = f"refs/heads/{branch}"
        return bool(self.database.run(_KNOWN, repository=repository, ref=ref, sha=sha, within=within)[0][0])
