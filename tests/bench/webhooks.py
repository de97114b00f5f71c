"""Webhooks accepted, stored and published per second, against the framework checking the HMAC alone."""

import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median
from typing import Any

from functions.common.adapters.postgres.client import Postgres
from functions.local.platform.programs import CODE
from functions.local.platform.run import Platform
from tests.bench.options import Options, say
from tests.bench.rivals import PATH, Target, debian_webhook, framework_hmac
from tests.bench.row import Row
from tests.bench.stage import lean_platform
from tests.webhook_sender import published

CONNECTIONS = 16


def measure(options: Options) -> Iterator[Row]:
    """Send bursts to all in turn, and tell the medians."""
    with ExitStack() as stack:
        platform = stack.enter_context(lean_platform())
        ports, secret = platform.instance.ports, platform.endpoints.webhook_secret
        ours = Target(name="verify-webhook", port=ports["verify-webhook"], path=PATH, status="202")
        hmac = stack.enter_context(framework_hmac(secret))
        served = Target(name="HMAC alone, served as ours", port=ports["hmac"], path=PATH, status="202")
        targets = [hmac, ours, served]
        if shutil.which("webhook"):
            targets.append(stack.enter_context(debian_webhook(secret)))
        results = _bursts(targets, secret, count=options.pick(3000, 800), rounds=options.pick(7, 3))
        stored = _stored(platform)
    mine, base = results[ours.name], results[hmac.name]
    rate, bare = (median(one["rate"] for one in of) for of in (mine, base))
    sent = sum(sum(one["statuses"].values()) for one in mine)
    accepted = sum(one["statuses"].get(ours.status, 0) for one in mine)
    note = "against the framework's HMAC alone; PostgreSQL with fsync, bridge and JetStream's file behind it"
    yield Row(
        measure="webhooks accepted, stored, published",
        value=rate,
        unit="1/s",
        baseline=bare,
        ratio=median(m["rate"] / b["rate"] for m, b in zip(mine, base, strict=True)),
        at_least=0.5,
        note=note,
    )
    p99, bare_p99 = (median(one["p99"] for one in of) for of in (mine, base))
    yield Row(measure="webhook answer p99", value=p99, unit="ms", baseline=bare_p99, note="told, 16 connections")
    kept = min(accepted, stored)
    yield Row(measure="webhooks sent but not kept and published", value=sent - kept, unit="", at_most=0)
    for target in targets[2:]:
        pairs = list(zip(mine, results[target.name], strict=True))
        yield Row(
            measure=f"the same beside {target.name}",
            value=rate,
            unit="1/s",
            baseline=median(other["rate"] for _, other in pairs),
            ratio=median(one["rate"] / other["rate"] for one, other in pairs),
            at_least=0.5 if target is served else None,  # what our own server wins, both win
        )


def _bursts(targets: list[Target], secret: str, *, count: int, rounds: int) -> dict[str, list[dict[str, Any]]]:
    results: dict[str, list[dict[str, Any]]] = {target.name: [] for target in targets}
    for round_number in range(-1, rounds):
        for target in targets:
            found = burst(target, secret, count if round_number >= 0 else 200)
            if round_number >= 0:  # the first opens connections and imports
                results[target.name].append(found)
                say(f"  {target.name}: {found['rate']:.0f}/s, p99 {found['p99']:.1f} ms {found['statuses']}")
    return results


def burst(target: Target, secret: str, count: int) -> dict[str, Any]:
    """Send `count` webhooks from a process of its own and return what it saw."""
    arguments = [str(target.port), target.path, secret, str(count), str(CONNECTIONS), uuid.uuid4().hex[:12]]
    command = [sys.executable, "-m", "tests.bench.load", *arguments]
    done = subprocess.run(command, cwd=CODE, check=True, stdout=subprocess.PIPE, timeout=300)
    found: dict[str, Any] = json.loads(done.stdout)
    if set(found["statuses"]) != {target.status}:
        msg = f"{target.name} answers {found['statuses']}, not {target.status} alone"
        raise RuntimeError(msg)
    return found


def _stored(platform: Platform) -> int:
    """Return how many measured deliveries are stored and published."""
    database = Postgres(platform.endpoints.database)
    rows = int(database.run("select count(*) from webhook_deliveries")[0][0])
    return published(platform.endpoints.database, rows) - 200
