-- Deliveries are marked as published, and found again, by their event.

create index webhook_deliveries_event on webhook_deliveries (event_id) where event is not null;
