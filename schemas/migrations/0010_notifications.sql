-- Where notifications go. Never edit this file once it was applied: add a new one.

create table notification_channels (
    id          uuid primary key default gen_random_uuid(),
    app         text references projects (name) on delete cascade,  -- null: every app
    name        text not null,
    kind        text not null check (kind in ('webhook', 'slack', 'email')),
    target      text not null,                                      -- a URL, or an email address
    secret      text not null default '',                           -- signs webhooks, as Standard Webhooks has it
    types       text[] not null default '{}',                       -- short event types; empty: all
    errors_only boolean not null default false,
    disabled    text not null default '',                           -- why nothing is sent any more
    created_at  timestamptz not null default now()
);
create unique index notification_channels_name on notification_channels (coalesce(app, ''), name);
