-- Old records are deleted in batches, the oldest first. Never edit this file once it was applied: add a new one.

alter table webhook_deliveries
    add column body_removed boolean not null default false;
create index webhook_deliveries_received on webhook_deliveries (received_at);
create index webhook_deliveries_bodies on webhook_deliveries (received_at) where not body_removed;
create index events_recorded on events (recorded_at);
create index event_rejections_rejected on event_rejections (rejected_at);
create index dead_letters_ended on dead_letters (ended_at) where state <> 'parked';
create index runs_ended on runs (ended_at) where ended_at is not null;
create index api_tokens_ended on api_tokens (least(revoked_at, expires_at));
