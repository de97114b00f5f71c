-- What releases, names, statuses and reconcile remember. Never edit this file once it was applied: add a new one.

alter table releases add column superseded_by integer;     -- the number of the release that took its place

alter table environments add column swept_at timestamptz;  -- when nothing of the closed environment was left
create index environments_closed on environments (closed_at) where state = 'closed';
create index environments_previews on environments (coalesce(pushed_at, opened_at))
    where state = 'open' and name <> 'production';

create index pushes_ref on pushes (repository, ref, received_at desc);
create index custom_domains_app on custom_domains (app);
create unique index dead_letters_once on dead_letters (event_id, source, subscriber) where state = 'parked';

create table forge_repositories (
    repository text primary key,                           -- domain.git_url.repository_key
    looked_at  timestamptz not null default now(),         -- whether or not its forge answered
    read_at    timestamptz                                 -- when forge_heads was what the forge said
);
create table forge_heads (
    repository text not null references forge_repositories (repository) on delete cascade,
    branch     text not null,
    sha        text not null,                              -- what its forge says
    since      timestamptz not null default now(),         -- when that was first read
    settled    text not null default '',                   -- the last one that a push is known of or was made for
    primary key (repository, branch)
);

create table commit_statuses (
    sha         text not null,
    context     text not null,
    repository  text not null,
    event       text not null,                             -- the id of the event that it tells of
    position    bigint not null,                           -- when its push came in or its release began, microseconds
    rank        integer not null,                          -- later steps outrank earlier ones
    state       text not null,
    description text not null,
    target_url  text not null,
    primary key (sha, context)
);

create table host_reminders (
    host     text primary key,
    count    integer not null default 1,
    asked_at timestamptz not null default now()            -- when its record or certificate was last asked for again
);
