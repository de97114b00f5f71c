"""The choice of images to delete."""

from dataclasses import dataclass

from functions.common.adapters.postgres.client import Postgres

# Images that can be rolled back to, that run or are being released, and that unfinished pushes may use.
NEEDED = """
select digest from environments as e cross join lateral (
    select digest from releases as r where r.app = e.app and r.environment = e.name order by number desc limit :releases
) as newest where e.state = 'open'
union select digest from environments as e cross join lateral (
    select digest from releases as r where r.app = e.app and r.environment = e.name and r.state in ('live', 'started')
) as running
union select b.digest from pushes as p join builds as b on b.app = p.app and (b.push = p.id or b.sha = p.sha)
where p.ended_at is null
"""
_CLAIM = f"""
with needed as materialized ({NEEDED}),
old as materialized (
    select image, digest from builds where digest <> '' and image_deleted_at is null
    group by image, digest
    having max(ended_at) < now() - interval '1 hour'
        and coalesce(max(image_claimed_at) < now() - interval '1 day', true)
        and digest not in (select digest from needed)
    order by max(ended_at) limit :limit
),
abandoned as materialized (
    select image, digest from abandoned_images as a
    where since < now() - interval '1 hour' and coalesce(claimed_at < now() - interval '1 day', true)
        and digest not in (select digest from needed)
        and not exists (select from builds as b
            where b.image = a.image and b.digest = a.digest and b.image_deleted_at is null)
    order by since limit :limit
),
claimed as (
    update builds as b set image_claimed_at = now() from old
    where b.image = old.image and b.digest = old.digest and b.image_deleted_at is null
    returning b.image, b.digest
),
taken as (
    update abandoned_images as a set claimed_at = now() from abandoned as b
    where a.image = b.image and a.digest = b.digest returning a.image, a.digest
)
select image, digest from claimed union select image, digest from taken
"""  # noqa: S608 - constants
_DELETED = """
with gone as (delete from abandoned_images where image = :image and digest = :digest)
update builds set image_deleted_at = now()
where image = :image and digest = :digest and image_claimed_at is not null and image_deleted_at is null
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresImageRetention:
    """ImageRetention over the tables builds, releases, environments, pushes and abandoned_images."""

    database: Postgres

    def claim(self, *, releases: int, limit: int) -> tuple[tuple[str, str], ...]:
        """Choose images to delete; see ImageRetention."""
        rows = self.database.run(_CLAIM, releases=releases, limit=limit)
        return tuple((image, digest) for image, digest in rows)

    def mark_deleted(self, reference: str, digest: str) -> None:
        """Record that the image is deleted; see ImageRetention."""
        self.database.run(_DELETED, image=reference, digest=digest)
