-- Deploying, scaling and limiting apps without a push. Never edit this file once it was applied: add a new one.

alter table releases drop constraint releases_kind_check;
alter table releases add constraint releases_kind_check
    check (kind in ('push', 'config', 'rollback', 'deploy', 'restart'));

create table process_scales (
    app         text not null references projects (name) on delete cascade,
    environment text not null,
    process     text not null,
    replicas    integer not null check (replicas >= 0),
    primary key (app, environment, process)
);

alter table projects
    add column cpu    text not null default '',            -- of each process; empty: the platform's default
    add column memory text not null default '',
    add column port   integer not null default 0;
