-- Maintenance pages. Never edit this file once it was applied: add a new one.

alter table environments
    add column maintenance boolean not null default false; -- visitors get a page with 503 instead of the app
