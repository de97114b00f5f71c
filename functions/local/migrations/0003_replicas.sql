-- Several processes of one type. Never edit this file once it was applied: add a new one.

alter table platform.versions
    add column ports integer[] not null default '{}',      -- of the second and later web processes
    add column ready jsonb not null default '{}';          -- process type -> how many run
