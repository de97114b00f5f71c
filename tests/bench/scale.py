"""Whether resolve-app and the repeat of a delivery take as long with many rows as with few."""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from statistics import median

from functions.common.adapters.broker.sink import BrokerSink
from functions.common.adapters.forges.no_forge import NoForge
from functions.common.adapters.local.repositories import GitHeads
from functions.common.adapters.postgres.apps import PostgresAppDirectory, PostgresAppIdentities
from functions.common.adapters.postgres.audit import PostgresAuditLog
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.deliveries import PostgresDeliveries
from functions.common.adapters.postgres.environments import PostgresEnvironments
from functions.common.adapters.postgres.events import PostgresEventLog
from functions.common.adapters.postgres.migrations import migrate
from functions.common.adapters.postgres.pushes import PostgresPushHistory, PostgresPushLedger
from functions.common.adapters.system_clock import SystemClock
from functions.common.domain.delivery import Delivery, DeliveryOutcome, Provider
from functions.common.events.push import PushReceived, Repository
from functions.local.platform.programs import CODE
from functions.resolve_app.follow import RenameFollower
from functions.resolve_app.handler import Admission, handle_push
from tests.bench.checkout import folder
from tests.bench.options import Options, say
from tests.bench.row import Row
from tests.postgres_server import postgres_server

FEW_APPS, MANY_APPS = 100, 100_000
FEW_DELIVERIES, MANY_DELIVERIES = 1_000, 1_000_000
AT_MOST = 1.2
ROUNDS = 10
_APPS = """
insert into projects (name, git_url, git_key)
select 'app-' || n, 'https://git.example.com/team/app-' || n, 'git.example.com/team/app-' || n
from generate_series(1, cast(:count as integer)) n
"""
_ENVIRONMENTS = """
insert into environments (app, name, branch, label) select name, 'production', 'main', name from projects
"""
_DELIVERIES = """
insert into webhook_deliveries (provider, delivery_id, kind, headers, body, outcome, event_id, event, published_at)
select 'forgejo', 'd-' || n, 'push', '{}', '', 'accepted', 'e-' || n, '{}', now()
from generate_series(cast(:first as integer), cast(:last as integer)) n
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """A database and what is asked of it."""

    database: Postgres
    call: Callable[[], object]


def measure(options: Options) -> Iterator[Row]:
    """Ask the few and the many in turn."""
    pushes, repeats = options.pick(600, 200), options.pick(3000, 200)
    with ExitStack() as stack:
        server = stack.enter_context(postgres_server())
        place = stack.enter_context(folder())
        heads = GitHeads(folder=place, base_url="http://127.0.0.1:1")
        few, many = (_with_apps(stack, server, count) for count in (FEW_APPS, MANY_APPS))
        sides = tuple(_Side(database=database, call=_push(database, heads)) for database in (few, many))
        yield _row("resolve-app", (FEW_APPS, MANY_APPS), _in_turn(sides, pushes))
        sizes = (FEW_DELIVERIES, MANY_DELIVERIES)
        few, many = (_with_deliveries(stack, server, count) for count in sizes)
        sides = tuple(_Side(database=database, call=_repeat(database)) for database in (few, many))
        yield _row("a repeated delivery", sizes, _in_turn(sides, repeats))


def _row(name: str, sizes: tuple[int, int], rounds: Sequence[tuple[float, float]]) -> Row:
    few, many = (median(times) for times in zip(*rounds, strict=True))
    ratio = median(more / less for less, more in rounds)
    measure = f"{name}, {sizes[1]:,} rows against {sizes[0]:,}"
    return Row(measure=measure, value=many, unit="ms", baseline=few, ratio=ratio, at_most=AT_MOST)


def _in_turn(sides: Sequence[_Side], calls: int) -> list[tuple[float, float]]:
    """Return the milliseconds of few and many, a pair for each round."""
    rounds = []
    for _ in range(ROUNDS):
        for side in sides:
            side.database.close()  # where its server's process runs is chosen again, and decides as much as the rows
        rounds.append(_round(sides, calls // ROUNDS))
    return rounds


def _round(sides: Sequence[_Side], calls: int) -> tuple[float, float]:
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(-20, calls):
        for side, kept in zip(sides, times, strict=True):
            started = time.perf_counter()
            side.call()
            if number >= 0:  # the first ones prepare statements
                kept.append((time.perf_counter() - started) * 1000)
    return median(times[0]), median(times[1])


def _database(stack: ExitStack, server: str, name: str) -> Postgres:
    maintenance = Postgres(server)
    maintenance.run(f"create database {name}")
    maintenance.close()
    database = Postgres(f"{server.rpartition('/')[0]}/{name}")
    stack.callback(database.close)
    migrate(database, CODE / "schemas" / "migrations")
    return database


def _with_apps(stack: ExitStack, server: str, count: int) -> Postgres:
    say(f"  {count:,} apps")
    database = _database(stack, server, f"apps_{count}")
    database.run(_APPS, count=count)
    database.run(_ENVIRONMENTS)
    return _at_rest(database)


def _with_deliveries(stack: ExitStack, server: str, count: int) -> Postgres:
    say(f"  {count:,} deliveries")
    database = _database(stack, server, f"deliveries_{count}")
    for first in range(1, count, 100_000):  # a statement has its time
        database.run(_DELIVERIES, first=first, last=min(first + 99_999, count))
    return _at_rest(database)


def _at_rest(database: Postgres) -> Postgres:
    """Do now what PostgreSQL would do beside the measurement with what was just written."""
    database.run("vacuum (analyze)")
    database.run("checkpoint")
    return database


def _push(database: Postgres, heads: GitHeads) -> Callable[[], object]:
    log = PostgresEventLog(database=database)
    sink = BrokerSink(url="http://127.0.0.1:1", log=log, clock=SystemClock(), token=str)
    environments, pushes = PostgresEnvironments(database=database), PostgresPushLedger(database=database)
    handle = partial(
        handle_push,
        apps=PostgresAppDirectory(database=database),
        history=PostgresPushHistory(database=database),
        heads=heads,
        admission=Admission(
            environments=environments, pushes=pushes, sink=sink, default_domain="localhost", previews=50
        ),
        sink=sink,
        follow=RenameFollower(
            apps=PostgresAppIdentities(database=database), names=NoForge(), audit=PostgresAuditLog(database=database)
        ),
    )
    return lambda: handle(_event())


def _event() -> PushReceived:
    identity = str(uuid.uuid4())
    return PushReceived(
        push=identity,
        provider="forgejo",
        delivery=identity,
        repository=Repository(full_name="team/app-50", urls=("https://git.example.com/team/app-50.git",)),
        ref="refs/heads/main",
        branch="main",
        before="0" * 40,
        after=uuid.uuid4().hex + "0" * 8,
    )


def _repeat(database: Postgres) -> Callable[[], object]:
    delivery = Delivery(
        provider=Provider.FORGEJO,
        delivery_id="d-500",
        kind="push",
        headers={},
        body=b"x" * 5_500,
        outcome=DeliveryOutcome.ACCEPTED,
        event_id="e-500",
        event="{}",
    )
    deliveries = PostgresDeliveries(database=database)
    return lambda: deliveries.store(delivery)
