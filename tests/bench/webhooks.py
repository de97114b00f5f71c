"""Webhooks accepted, stored and published: how many a second, at which cost, and whether any is lost."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

from functions.common.adapters.postgres.client import Postgres
from tests.bench.checkout import HERE, Platform
from tests.bench.options import Options, say
from tests.bench.processes import cpu_seconds
from tests.bench.row import Row, percentile, row
from tests.webhook_sender import published

PATH = "/v1/webhooks/forgejo"
CONNECTIONS = 16
AT_LEAST = 500  # more than any forge sends
ACCEPTED = "202"


def measure(options: Options) -> Iterator[Row]:
    """Send bursts of pushed tags, which no function handles, to each platform in turn."""
    count, rounds = options.pick(3000, 800), options.pick(7, 3)
    for platform in options.platforms:
        burst(platform, 200)  # the first ones open connections and import
    before = [_rows(platform) for platform in options.platforms]
    results: list[list[dict[str, Any]]] = [[] for _ in options.platforms]
    cpu: list[list[float]] = [[] for _ in options.platforms]
    for _ in range(rounds):
        for number, platform in enumerate(options.platforms):
            used = _cpu_seconds(platform)
            results[number].append(burst(platform, count))
            cpu[number].append((_cpu_seconds(platform) - used) / count * 1000)
            found = results[number][-1]
            say(f"  {platform.name}: {found['rate']:.0f}/s, p99 {found['p99']:.1f} ms")
    rates = [[one["rate"] for one in of] for of in results]
    note = f"{CONNECTIONS} connections; PostgreSQL with fsync, the broker's stream in a file"
    yield row("webhooks accepted and stored", rates, "1/s", at_least=AT_LEAST, note=note)
    p99 = [[one["p99"] for one in of] for of in results]
    yield row("webhook answer p99", p99, "ms", note="for information")
    yield row("processor time of verify-webhook for each", cpu, "ms", note="for information")
    lost = [
        [rounds * count - (_rows(platform, first + rounds * count) - first)]
        for platform, first in zip(options.platforms, before, strict=True)
    ]
    yield row("webhooks answered 202 but not stored and published", lost, "", statistic=percentile(1), at_most=0)


def burst(platform: Platform, count: int) -> dict[str, Any]:
    """Send webhooks from a process of its own and return what it measured."""
    port = platform.function("verify-webhook")[0].environment["PORT"]
    at, tag = platform.endpoints, uuid.uuid4().hex[:12]
    given = [port, PATH, at.webhook_secret, at.git, str(count), str(CONNECTIONS), tag]
    command = [sys.executable, "-m", "tests.bench.load", *given]
    done = subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.PIPE, timeout=300)
    found: dict[str, Any] = json.loads(done.stdout)
    if set(found["statuses"]) != {ACCEPTED}:
        msg = f"verify-webhook answers {found['statuses']}, not {ACCEPTED} alone"
        raise RuntimeError(msg)
    return found


def _cpu_seconds(platform: Platform) -> float:
    return sum(cpu_seconds(one.pid) for one in platform.function("verify-webhook"))


def _rows(platform: Platform, expected: int = 0) -> int:
    """Return how many deliveries are published; wait a while for as many as expected."""
    database = Postgres(platform.endpoints.database)
    stored = int(database.run("select count(*) from webhook_deliveries")[0][0])
    return published(platform.endpoints.database, max(stored, expected))
