-- One-off commands on this machine. Never edit this file once it was applied: add a new one.

create table platform.runs (
    run          uuid primary key,
    app          text not null,
    environment  text not null,
    workload     jsonb not null,                           -- with the command as its only process
    tty          boolean not null,
    interactive  boolean not null,
    columns      integer not null,
    rows         integer not null,
    seconds      integer not null,
    state        text not null default 'waiting' check (state in ('waiting', 'running', 'ended')),
    stopped      boolean not null default false,           -- its end was requested
    process      integer not null default 0,               -- its process group,
    process_mark text not null default '',                 -- and when it started, as the system says it
    exit_code    integer,
    reason       text not null default '',
    requested_at timestamptz not null default now(),
    ended_at     timestamptz
);
create index runs_open on platform.runs (requested_at) where state <> 'ended';

create table platform.run_inputs (
    sequence bigint generated always as identity primary key,
    run      uuid not null references platform.runs (run) on delete cascade,
    data     bytea not null default '',
    eof      boolean not null default false,
    columns  integer not null default 0,                   -- of the terminal, when it was resized
    rows     integer not null default 0
);
create index run_inputs_run on platform.run_inputs (run, sequence);
