-- The end of a release is told once. Never edit this file once it was applied: add a new one.

alter table releases
    add column ended_by text not null default '';          -- the id of the event that told of it; empty: no event did
