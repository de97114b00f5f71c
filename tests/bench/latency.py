"""How long a push takes from its webhook to the record of build.started, on a whole platform without a builder."""

import time
import uuid
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

from functions.common.adapters.postgres.client import Postgres
from functions.local.platform.run import Platform, running
from tests.bench.options import Options, say
from tests.bench.payload import BODY_BYTES, push, signed_headers
from tests.bench.row import Row
from tests.bench.stage import folder, settings
from tests.chaos.apps import create

P50_MS, P99_MS = 25, 100
APP = "measured"
_PATIENCE = 20.0
_STARTED = """
select extract(epoch from e.recorded_at)::float8 from pushes p join events e on e.push = p.id
where p.sha = :sha and e.type = 'dev.slipway.build.started.v1'
"""
# What a builder would do at once: without it each push would cancel all builds before it, again and again.
_END = "update builds set state = 'cancelled', ended_at = now() where state = 'running'"


def measure(options: Options) -> Iterator[Row]:
    """Send one push after the other."""
    with (
        folder() as place,
        running(place / "home", workers=("rollouts",), default_ports=False, settings=settings(), say=say) as platform,
    ):
        times = sorted(_pushes(platform, place, options.pick(200, 40)))
    p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
    yield Row(measure="webhook to build.started p50", value=p50, unit="ms", at_most=P50_MS, note=f"{len(times)} pushes")
    yield Row(measure="webhook to build.started p99", value=p99, unit="ms", at_most=P99_MS)


def _pushes(platform: Platform, place: Path, count: int) -> list[float]:
    app, database = create(platform, place, APP), Postgres(platform.endpoints.database)
    gateway, times = platform.endpoints.gateway.rpartition("//")[2], []
    for number in range(-5, count):
        made = app.push()
        body = push(
            made.after, before=made.before, clone_url=made.clone_url, full_name=f"slipway/{APP}", size=BODY_BYTES
        )
        headers = signed_headers(body, secret=platform.endpoints.webhook_secret, delivery=str(uuid.uuid4()))
        milliseconds = _one(gateway, body, headers, database, made.after)
        database.run(_END)
        if number >= 0:  # the first ones open connections and import
            times.append(milliseconds)
    return times


def _one(gateway: str, body: bytes, headers: dict[str, str], database: Postgres, sha: str) -> float:
    connection, started = HTTPConnection(gateway, timeout=_PATIENCE), time.time()
    connection.request("POST", "/v1/webhooks/forgejo", body, headers)
    status = connection.getresponse().status
    connection.close()
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        rows = database.run(_STARTED, sha=sha)
        if rows:
            return (float(rows[0][0]) - started) * 1000
        time.sleep(0.005)
    msg = f"the push {sha} was answered with {status}, and its build did not start"
    raise RuntimeError(msg)
