-- Images that nothing needs any more are deleted. Never edit this file once it was applied: add a new one.

alter table builds
    add column image_claimed_at timestamptz,               -- chosen for deletion: never used again from then on
    add column image_deleted_at timestamptz;
create index builds_images on builds (ended_at) where digest <> '' and image_deleted_at is null;

create table abandoned_images (                            -- of deleted apps: their builds are gone
    image      text not null,
    digest     text not null,
    since      timestamptz not null default now(),
    claimed_at timestamptz,
    primary key (image, digest)
);
