-- Refusals are summed up, and requests are limited. Never edit this file once it was applied: add a new one.

alter table audit_log
    add column count   bigint not null default 1,          -- how often, of a row that sums up refusals
    add column last_at timestamptz,                        -- when it happened last; null: at `at`
    add column latest  text not null default '',           -- what differs from refusal to refusal, of the last one
    add column summary text;                               -- the window and what is summed up; null: one act
create unique index audit_log_summary on audit_log (summary) where summary is not null;
create index audit_log_at on audit_log (at);

-- Counters without a log: a crash of the server empties them, and no commit waits for the disk.
create unlogged table rate_limits (
    subject    text primary key,                           -- SHA-256 of the limit and whom it is for, hex
    busy_until timestamptz not null                        -- when all that was taken is earned again
);
drop table login_attempts;
