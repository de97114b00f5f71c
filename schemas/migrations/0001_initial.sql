-- Apps, and all that happens to them. Never edit this file once it was applied: add a new one.

create table projects (
    id                  uuid primary key default gen_random_uuid(),
    name                text not null unique,
    git_url             text not null default '',
    git_key             text not null default '',          -- domain.git_url.repository_key(git_url)
    branch              text not null default 'main',
    paths               text[] not null default '{}',
    git_repo_name       text not null default '',
    git_clone_ssh       text not null default '',
    git_clone_http      text not null default '',
    domain              text not null default '',
    custom_domain       text not null default '',
    deployment_image    text not null default '',
    deployment_status   text not null default 'none',
    deployment_replicas integer not null default 1,
    created_at          timestamptz not null default now()
);
create index projects_git_key on projects (git_key);
create index projects_domain on projects (domain);
create index projects_custom_domain on projects (custom_domain);

create table custom_domains (
    host    text primary key,
    app     text not null references projects (name) on delete cascade
);

create table environments (
    app               text not null references projects (name) on delete cascade,
    name              text not null,
    branch            text not null,
    label             text not null unique,
    state             text not null default 'open' check (state in ('open', 'closed')),
    pushed_sequence   bigint not null default 0,           -- of the newest push admitted
    promoted_sequence bigint not null default 0,           -- of the newest push released
    release_number    integer not null default 0,          -- of the newest release
    opened_at         timestamptz not null default now(),
    pushed_at         timestamptz,
    closed_at         timestamptz,
    primary key (app, name)
);

create table webhook_deliveries (
    provider     text not null,
    delivery_id  text not null,
    sequence     bigint generated always as identity,
    kind         text not null,
    headers      jsonb not null,
    body         bytea not null,
    outcome      text not null check (outcome in ('accepted', 'ignored', 'refused')),
    reason       text not null default '',
    sha          text not null default '',
    event_id     text not null default '',
    event        text,                                     -- the CloudEvent, structured JSON
    received_at  timestamptz not null default now(),
    published_at timestamptz,
    claimed_at   timestamptz,                              -- a lease: who claims, publishes
    primary key (provider, delivery_id)
);
create index webhook_deliveries_unpublished on webhook_deliveries (received_at)
    where event is not null and published_at is null;
create index webhook_deliveries_sha on webhook_deliveries (sha) where sha <> '';

create table pushes (
    id          text not null,                             -- the push.received event's id
    app         text not null default '',                  -- empty: no app matches
    environment text not null default '',
    repository  text not null,                             -- domain.git_url.repository_key
    ref         text not null,
    before      text not null default '',
    sha         text not null,
    message     text not null default '',
    author      text not null default '',
    sequence    bigint not null default 0,
    state       text not null check (state in
                    ('received', 'building', 'releasing', 'live', 'failed', 'superseded', 'ignored')),
    code        text not null default '',
    step        text not null default '',
    reason      text not null default '',
    received_at timestamptz not null default now(),
    moved_at    timestamptz not null default now(),        -- of the last change of state
    ended_at    timestamptz,
    primary key (id, app)
);
create index pushes_environment on pushes (app, environment, sequence desc);
create index pushes_sha on pushes (sha);
create index pushes_open on pushes (moved_at) where ended_at is null;

create table builds (
    name        text primary key,                          -- domain.build.build_name(app, environment, sha)
    app         text not null,
    environment text not null,
    push        text not null,
    repository  text not null,
    sha         text not null,
    ref         text not null,
    sequence    bigint not null,
    state       text not null default 'running' check (state in ('running', 'succeeded', 'failed', 'cancelled')),
    superseded_by text not null default '',                -- the push for whose sake it is being cancelled
    digest      text not null default '',
    image       text not null default '',
    processes   jsonb not null default '{}',
    step        text not null default '',
    reason      text not null default '',
    log_tail    text not null default '',
    started_at  timestamptz not null default now(),
    ended_at    timestamptz
);
create index builds_environment on builds (app, environment, started_at desc);
create index builds_running on builds (started_at) where state = 'running';

create table releases (
    app         text not null,
    environment text not null,
    number      integer not null,
    kind        text not null check (kind in ('push', 'config', 'rollback')),
    cause       text not null unique,                      -- the causing event's id: a redelivery finds its release
    push        text not null default '',
    sha         text not null default '',
    sequence    bigint not null,
    digest      text not null,
    image       text not null,
    processes   jsonb not null,
    config      jsonb not null,
    state       text not null default 'started' check (state in
                    ('started', 'live', 'failed', 'superseded', 'retired')),
    step        text not null default '',
    reason      text not null default '',
    note        text not null default '',
    created_at  timestamptz not null default now(),
    moved_at    timestamptz not null default now(),
    ended_at    timestamptz,
    primary key (app, environment, number)
);
create index releases_open on releases (moved_at) where state = 'started';

create table config_vars (
    app   text not null references projects (name) on delete cascade,
    scope text not null check (scope in ('production', 'preview')),
    key   text not null,
    value text not null,
    primary key (app, scope, key)
);

create table events (
    id          text not null,
    source      text not null,
    sequence    bigint generated always as identity,
    type        text not null,
    subject     text not null default '',
    app         text not null default '',
    environment text not null default '',
    push        text not null default '',
    cause       text not null default '',                  -- the id of the event that it follows from
    body        text not null,                             -- structured JSON
    recorded_at timestamptz not null default now(),
    primary key (id, source)
);
create index events_push on events (push, sequence) where push <> '';
create index events_app on events (app, sequence) where app <> '';

create table dead_letters (
    id         bigint generated always as identity primary key,
    event_id   text not null,
    source     text not null,
    type       text not null,
    app        text not null default '',
    push       text not null default '',
    subscriber text not null default '',                   -- knativeerrordest
    code       integer not null default 0,                 -- knativeerrorcode
    error      text not null default '',                   -- knativeerrordata, decoded
    body       text not null,                              -- structured JSON
    state      text not null default 'parked' check (state in ('parked', 'redriven', 'discarded')),
    parked_at  timestamptz not null default now(),
    ended_at   timestamptz,
    unique (event_id, source, subscriber, parked_at)
);
create index dead_letters_parked on dead_letters (parked_at) where state = 'parked';

create table dns_records (
    host    text primary key,
    app     text not null,
    state   text not null check (state in ('ready', 'refused', 'deleted')),
    reason  text not null default '',
    moved_at timestamptz not null default now()
);

create table certificates (
    host      text primary key,
    app       text not null,
    state     text not null check (state in ('ready', 'failed', 'deleted')),
    reason    text not null default '',
    not_after text not null default '',
    moved_at  timestamptz not null default now()
);

create table audit_log (
    id     bigint generated always as identity primary key,
    at     timestamptz not null default now(),
    actor  text not null,
    action text not null,
    target text not null default '',
    detail text not null default ''
);

create table api_tokens (
    digest     text primary key,                           -- SHA-256 of the token, hex
    name       text not null,
    role       text not null check (role in ('admin', 'deployer', 'viewer')),
    created_at timestamptz not null default now(),
    revoked_at timestamptz
);
