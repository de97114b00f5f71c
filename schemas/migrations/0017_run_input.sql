-- The input of one-off commands that get it before they start. Never edit this file once it was applied: add a new one.

alter table runs add column input bytea;                              -- gone when the command has ended
alter table runs add column waiting boolean not null default false;   -- until its input is whole
