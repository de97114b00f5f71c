-- One-off commands. Never edit this file once it was applied: add a new one.

create table runs (
    id          uuid primary key default gen_random_uuid(),
    app         text not null references projects (name) on delete cascade,
    environment text not null,
    release     integer not null,                          -- whose image and config it has
    command     text[] not null,                           -- may hold secrets: never in events or logs
    actor       text not null,
    tty         boolean not null,
    interactive boolean not null,                          -- whether it reads input
    columns     integer not null,
    rows        integer not null,
    seconds     integer not null,                          -- how long it may run
    exit_code   integer,                                   -- null until it has ended
    reason      text not null default '',
    created_at  timestamptz not null default now(),
    ended_at    timestamptz
);
create index runs_app on runs (app, created_at desc);
