"""20 kept: old records end by age in short batches, and what something still needs outlives every age."""

import time
from datetime import timedelta

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.retention import PostgresRetention
from functions.common.ports.retention import RecordKind
from functions.reconcile.retention import BATCH, BATCHES, OldRecords
from tests.patience import patient
from tests.story import Story
from tests.world import World

DAYS = timedelta(days=30)
SOME, MANY = 12_000, 100_000
OLD = "now() - interval '40 days'"
_EVENTS = f"""
insert into events (id, source, type, push, body, recorded_at)
select 'event-' || n, '/test', 'test', coalesce((array['running', 'live', 'ended', 'started'])[n], ''), '{{}}', {OLD}
from generate_series(:first::int, :last::int) as n
"""  # noqa: S608 - constants
_DELIVERIES = f"""
insert into webhook_deliveries (provider, delivery_id, kind, headers, body, outcome, event_id, event, published_at,
    received_at)
select 'forgejo', id, 'push', '{{}}', 'body', case id when 'ignored' then 'ignored' else 'accepted' end,
    case id when 'ignored' then '' else id end, case id when 'ignored' then null else '{{}}' end,
    case when id not in ('ignored', 'unpublished') then now() end, {OLD}
from unnest(array['running', 'live', 'started', 'ended', 'unpublished', 'ignored', 'parked']) as id
"""  # noqa: S608 - constants


@pytest.fixture
def story(world: World) -> Story:
    """Return pushes of every kind that matter, all older than any age."""
    story, database = Story(database=world.database), world.database
    for push, state in (("running", "building"), ("live", "live"), ("started", "live"), ("ended", "failed")):
        story.push(push, state=state)
    story.release(1, state="live", push="live")
    story.release(2, state="started", push="started")
    story.release(3, state="failed", push="ended")
    database.run(_EVENTS, first=1, last=SOME)
    database.run(_DELIVERIES)
    database.run("insert into event_outbox (id, source) values ('event-5', '/test')")
    for number, (event, state) in enumerate((("event-6", "parked"), ("event-7", "redriven"), ("parked", "parked"))):
        database.run(
            "insert into dead_letters (event_id, source, type, body, state, parked_at, ended_at) values "  # noqa: S608 - constants
            f"(:event, '/test', 'test', '{{}}', cast(:state as text), {OLD}, "
            f"case when :state <> 'parked' then {OLD} end)",
            event=event,
            state=state,
        )
        database.run(
            "insert into event_rejections (event_id, source, function, reason, rejected_at) "  # noqa: S608 - as above
            f"values (:event, '/test', 'f{number}', 'no', {OLD})",
            event=event,
        )
    database.run("analyze")
    return story


def left(database: Postgres, column: str, table: str) -> set[str]:
    return {row[0] for row in database.run(f"select {column}::text from {table}")}  # noqa: S608 - names of this test


def old_records(database: Postgres, *kinds: RecordKind) -> OldRecords:
    return OldRecords(retention=PostgresRetention(database=database), ages=dict.fromkeys(kinds, DAYS))


@pytest.mark.usefixtures("story")
def test_invariant_20_what_is_needed_is_kept_and_the_rest_ends_in_short_batches(world: World) -> None:
    world.database.run(_EVENTS, first=SOME + 1, last=MANY)
    world.database.run("analyze events")
    retention, seconds = PostgresRetention(database=world.database), []
    while True:
        begun = time.perf_counter()
        deleted = retention.delete(RecordKind.EVENTS, older_than=DAYS, limit=BATCH)
        seconds.append(time.perf_counter() - begun)
        if not deleted:
            break
        assert deleted <= BATCH
    assert len(seconds) == MANY / BATCH + 1  # the last batch is short by what is kept
    assert max(seconds) < patient(5)
    # Of pushes that run, are live or go live; not yet published; parked.
    assert left(world.database, "id", "events") == {"event-1", "event-2", "event-4", "event-5", "event-6"}

    rest = set(RecordKind) - {RecordKind.EVENTS, RecordKind.BODIES}
    old_records(world.database, *rest)()
    assert left(world.database, "delivery_id", "webhook_deliveries") == {
        "running", "live", "started", "unpublished", "parked",
    }  # fmt: skip
    assert left(world.database, "event_id", "dead_letters") == {"event-6", "parked"}
    assert left(world.database, "event_id", "event_rejections") == {"event-6", "parked"}


@pytest.mark.usefixtures("story")
def test_invariant_20_a_body_ends_before_its_delivery_which_stays_the_proof(world: World) -> None:
    old_records(world.database, RecordKind.BODIES)()

    assert world.database.run("select distinct body, body_removed from webhook_deliveries") == [[b"", True]]
    assert world.database.run("select count(*) from webhook_deliveries where event is not null") == [[6]]


@pytest.mark.usefixtures("story")
def test_invariant_20_a_row_in_use_is_passed_over_and_a_tick_ends(world: World) -> None:
    """A batch waits for no other transaction, and a tick deletes a few batches alone."""
    other = Postgres(world.url)
    with other.transaction():
        other.run("select 1 from events where id = 'event-10' for update")
        old_records(world.database, RecordKind.EVENTS)()
    assert len(left(world.database, "id", "events")) == SOME - BATCH * BATCHES
    assert "event-10" in left(world.database, "id", "events")


@pytest.mark.usefixtures("story")
def test_invariant_20_an_age_of_zero_keeps_all_and_what_is_young_stays(world: World) -> None:
    world.database.run("update events set recorded_at = now() - interval '29 days' where id <> 'event-3'")
    ages = {RecordKind.EVENTS: DAYS, RecordKind.DELIVERIES: timedelta(0)}
    OldRecords(retention=PostgresRetention(database=world.database), ages=ages)()

    assert len(left(world.database, "id", "events")) == SOME - 1
    assert len(left(world.database, "delivery_id", "webhook_deliveries")) == 7


def test_invariant_20_audit_runs_and_tokens_end_by_age(world: World) -> None:
    database = world.database
    world.app("shop")
    for days in (40, 10):
        database.run("insert into audit_log (actor, action, at) values (:a, 'x', now() - cast(:d as interval))",
                     a=f"{days}", d=f"{days} days")  # fmt: skip
        database.run("insert into api_tokens (digest, name, scope, expires_at) "
                     "values (:a, :a, 'read', now() - cast(:d as interval))",
                     a=f"{days}", d=f"{days} days")  # fmt: skip
        database.run(
            "insert into runs (app, environment, release, command, actor, tty, interactive, columns, rows, seconds, "
            "ended_at) values ('shop', 'production', 1, '{}', :a, false, false, 1, 1, 1, now() - cast(:d as interval))",
            a=f"{days}",
            d=f"{days} days",
        )
    database.run("insert into api_tokens (digest, name, scope) values ('for ever', 'for ever', 'read')")
    database.run("insert into runs (app, environment, release, command, actor, tty, interactive, columns, rows, "
                 "seconds, created_at) select app, environment, release, command, 'under way', tty, interactive, "
                 "columns, rows, seconds, now() - interval '40 days' from runs limit 1")  # fmt: skip

    old_records(database, RecordKind.AUDIT, RecordKind.RUNS, RecordKind.TOKENS)()

    assert left(database, "actor", "audit_log") == {"10"}
    assert left(database, "actor", "runs") == {"10", "under way"}
    assert left(database, "name", "api_tokens") == {"10", "for ever"}
