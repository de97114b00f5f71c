"""How long a push takes from its webhook to the record of build.started, on a platform without a builder."""

import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection

from functions.common.adapters.postgres.client import Postgres
from tests.bench.apps import create_app, working_copy
from tests.bench.checkout import Platform
from tests.bench.options import Options
from tests.bench.payload import BODY_BYTES, push, signed_headers
from tests.bench.row import Row, percentile, row
from tests.chaos.apps import ChaosApp

P50_MS, P99_MS = 25, 100
APP = "measured"
_PATIENCE = 20.0
_STARTED = """
select extract(epoch from e.recorded_at)::float8 from pushes p join events e on e.push = p.id
where p.sha = :sha and e.type = 'dev.slipway.build.started.v1'
"""
# As a builder would do at once: without it each push cancels all builds before it, again and again.
_END = "update builds set state = 'cancelled', ended_at = now() where state = 'running'"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    platform: Platform
    app: ChaosApp
    database: Postgres


def measure(options: Options) -> Iterator[Row]:
    """Send one push after the other, to each platform in turn."""
    count = options.pick(200, 40)
    with ExitStack() as stack:
        for platform in options.platforms:
            stack.enter_context(platform.without_builds())
        sides = [_side(platform) for platform in options.platforms]
        times: list[list[float]] = [[] for _ in sides]
        for number in range(-5, count):
            for side, figures in zip(sides, times, strict=True):
                milliseconds = _push(side)
                if number >= 0:  # the first ones open connections and import
                    figures.append(milliseconds)
    yield row("webhook to build.started p50", times, "ms", at_most=P50_MS, note=f"{count} pushes")
    yield row("webhook to build.started p99", times, "ms", statistic=percentile(0.99), at_most=P99_MS)


def _side(platform: Platform) -> _Side:
    url = create_app(platform, APP)
    clone = working_copy(platform, APP)
    repository = platform.home / "git" / "slipway" / f"{APP}.git"
    app = ChaosApp(name=APP, clone=clone, repository=repository, clone_url=url)
    return _Side(platform=platform, app=app, database=Postgres(platform.endpoints.database))


def _push(side: _Side) -> float:
    made, at = side.app.push(), side.platform.endpoints
    body = push(made.after, before=made.before, clone_url=made.clone_url, full_name=f"slipway/{APP}", size=BODY_BYTES)
    headers = signed_headers(body, secret=at.webhook_secret, delivery=str(uuid.uuid4()))
    connection = HTTPConnection(at.gateway.rpartition("//")[2], timeout=_PATIENCE)
    started = time.time()
    connection.request("POST", "/v1/webhooks/forgejo", body, headers)
    status = connection.getresponse().status
    connection.close()
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        rows = side.database.run(_STARTED, sha=made.after)
        if rows:
            side.database.run(_END)
            return (float(rows[0][0]) - started) * 1000
        time.sleep(0.005)
    msg = f"the push {made.after} was answered with {status}, and its build did not start"
    raise RuntimeError(msg)
