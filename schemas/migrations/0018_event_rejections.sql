-- Which function can never handle which event, as the function itself says. Never edit this file once it was applied:
-- add a new one.

create table event_rejections (
    event_id    text not null,
    source      text not null,
    function    text not null,
    reason      text not null,
    rejected_at timestamptz not null default now(),
    primary key (event_id, source, function)
);
