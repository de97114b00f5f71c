-- Events of the API that are committed but not known to be published; reconcile sends what stays here.
-- Never edit this file once it was applied: add a new one.

create table event_outbox (
    id          text not null,
    source      text not null,
    recorded_at timestamptz not null default now(),
    claimed_at  timestamptz not null default now(),       -- a lease: who claims, publishes
    primary key (id, source)
);
create index event_outbox_claimed_at on event_outbox (claimed_at);

create index events_cause on events (cause) where cause <> '';
create index builds_push on builds (push);
create index releases_push on releases (push) where push <> '';
create index releases_live on releases (app, environment) where state = 'live';
create index dead_letters_push on dead_letters (push) where push <> '';
create unique index api_tokens_name on api_tokens (name) where revoked_at is null;
