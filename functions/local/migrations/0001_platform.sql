-- What is to run on this machine, and what does. Never edit this file once it was applied: add a new one.

create schema if not exists platform;

create table platform.builds (
    name         text primary key,
    sequence     bigint generated always as identity,
    app          text not null,
    environment  text not null,
    push         text not null,
    clone_url    text not null,
    ref          text not null,
    sha          text not null,
    state        text not null default 'waiting' check (state in
                     ('waiting', 'running', 'succeeded', 'failed', 'cancelled')),
    cancelled    boolean not null default false,           -- somebody asked for its end
    lease_until  timestamptz,                              -- of the runner that works on it
    process      integer not null default 0,               -- the build's process group,
    process_mark text not null default '',                 -- and when it started, as the system tells it
    digest       text not null default '',
    processes    jsonb not null default '{}',
    step         text not null default '',
    reason       text not null default '',
    log_tail     text not null default '',
    ordered_at   timestamptz not null default now(),
    ended_at     timestamptz,
    reported_at  timestamptz
);
create index builds_open on platform.builds (sequence) where ended_at is null;
create index builds_unreported on platform.builds (ended_at) where reported_at is null;
create index builds_sha on platform.builds (sha) where state = 'succeeded';

create table platform.workloads (
    app         text not null,
    environment text not null,
    generation  integer not null,                          -- the release number of what is wanted
    wanted      jsonb,                                     -- a Workload; null: leave nothing
    primary key (app, environment)
);

create table platform.versions (
    app         text not null,
    environment text not null,
    release     integer not null,
    workload    jsonb not null,
    stage       text not null check (stage in
                    ('releasing', 'starting', 'shifting', 'live', 'draining', 'failed', 'stopped')),
    slot        text not null default '' check (slot in ('', 'a', 'b')),
    port        integer not null default 0,
    weight      integer not null default 0,
    entered_at  timestamptz not null default now(),        -- the stage
    primary key (app, environment, release)
);
create index versions_active on platform.versions (app, environment) where stage not in ('failed', 'stopped');

create table platform.reports (
    id          bigint generated always as identity primary key,
    app         text not null,
    environment text not null,
    release     integer not null,
    event       jsonb not null,                            -- a WorkloadChanged
    reported_at timestamptz
);
create index reports_unreported on platform.reports (id) where reported_at is null;
create index reports_environment on platform.reports (app, environment, id desc);

create table platform.dns_records (
    host    text not null,
    type    text not null,
    content text not null,
    owner   text not null default '',                      -- our mark: the app; empty: not ours
    primary key (host)
);

create table platform.certificates (
    host      text primary key,
    owner     text not null,
    not_after text not null default '',                    -- RFC 3339, once Caddy has the certificate
    reason    text not null default ''
);
