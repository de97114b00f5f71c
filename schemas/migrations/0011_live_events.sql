-- Recorded events are announced to stream-events while someone watches.
-- A transaction that notifies holds a lock of the whole database while it commits, so nobody pays for it otherwise.

create table event_watch (
    only_row boolean primary key default true check (only_row),
    until    timestamptz not null
);

-- The argument is the column that numbers the table's rows.
create function announce_event() returns trigger language plpgsql as $$
begin
    if exists (select from event_watch where until > now()) then
        perform pg_notify('slipway_events', json_build_object(
            'table', tg_table_name, 'number', (to_jsonb(new) ->> tg_argv[0])::bigint, 'app', new.app, 'push', new.push
        )::text);
    end if;
    return null;
end
$$;

-- Who may see an app has changed: the streams of this user end, and begin again with what the user may see then.
create function announce_access() returns trigger language plpgsql as $$
declare
    changed jsonb := to_jsonb(old);
begin
    perform pg_notify('slipway_access', coalesce(changed ->> 'user_id', changed ->> 'id', ''));
    return null;
end
$$;

create trigger announce after insert on events for each row execute function announce_event('sequence');
create trigger announce after insert on dead_letters for each row execute function announce_event('id');
create trigger announce after update or delete on app_members for each row execute function announce_access();
create trigger announce after update of administrator or delete on users for each row execute function announce_access();
create trigger announce after update of revoked_at or delete on api_tokens for each row execute function announce_access();
