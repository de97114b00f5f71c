"""`task viewers`: how long after an event is recorded many viewers of one push see it, and what that costs.

Runs a platform of its own with a canary of some seconds: the viewers are there before the push is live. They read
through Caddy, as browsers do.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from functions.common.adapters.postgres.client import Postgres
from functions.local.platform.run import Platform
from tests.bench.processes import cpu_seconds, processes
from tests.local.pipeline.developer import begin
from tests.local.pipeline.stage import Stage
from tests.local.waiting import until

LIMIT_MS, LIMIT_CORES = 250.0, 0.5
_PROGRAMS = ("stream-events", "caddy", "dashboard", "manage-apps")
_EVENTS = """
select id, extract(epoch from recorded_at)::float8 from events
where push = :push and sequence > :after order by sequence
"""


@dataclass(slots=True, kw_only=True)
class Viewer:
    """Notes when each row arrived."""

    rows: dict[str, float] = field(default_factory=dict)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def watch(self, client: aiohttp.ClientSession, url: str) -> None:
        """Read the stream until the push is live."""
        async with client.get(url) as answer:
            answer.raise_for_status()
            self.opened.set()
            async for line in answer.content:
                if line.startswith(b"data: <li") and (place := line.find(b' id="')) > 0:
                    state, _, event = line[place + 5 :].partition(b'"')[0].decode().partition("-")
                    self.rows.setdefault(event, time.time())
                    if state == "live":
                        return


class CpuClock:
    """The processor time of the platform's programs."""

    def __init__(self, platform: Platform) -> None:
        self._pids = {name: list(_pids(platform, name)) for name in _PROGRAMS}
        self._before = self._now()
        self._began = time.monotonic()

    def cores(self) -> dict[str, float]:
        """Return how many cores each program has used since the start."""
        seconds = time.monotonic() - self._began
        return {name: (used - self._before[name]) / seconds for name, used in self._now().items()}

    def _now(self) -> dict[str, float]:
        return {name: sum(map(cpu_seconds, pids)) for name, pids in self._pids.items()}


def _pids(platform: Platform, name: str) -> Iterator[int]:
    mine = [one for one in processes() if one.environment.get("SLIPWAY_LOCAL_HOME") == str(platform.home.resolve())]
    mine += [one for one in processes() if str(platform.home.resolve()) in " ".join(one.command)]
    for one in {one.pid: one for one in mine}.values():
        is_function = one.environment.get("FUNCTION_TARGET") == name.replace("-", "_")
        if is_function or (name == "caddy" and one.command and Path(one.command[0]).name == name):
            yield one.pid


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was seen: the delay of each row at each viewer in ms, and cores by program."""

    viewers: int
    delays: list[float]
    live: list[float]
    missed: int
    starting: dict[str, float]
    watching: dict[str, float]


async def _measure(platform: Platform, push: str, count: int, database: Postgres) -> Measured:
    at, viewers = platform.endpoints, [Viewer() for _ in range(count)]
    url = f"{at.gateway}/dashboard/stream?push={push}"
    headers = {"Authorization": f"Bearer {at.token}"}
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=120)
    clock = CpuClock(platform)
    async with aiohttp.ClientSession(headers=headers, connector=connector, timeout=timeout) as client:
        tasks = [asyncio.create_task(one.watch(client, url)) for one in viewers]
        await asyncio.gather(*(one.opened.wait() for one in viewers))
        starting = clock.cores()
        (after,) = database.run("select max(sequence) from events")[0]
        clock = CpuClock(platform)
        await asyncio.gather(*tasks)
    found = dict(database.run(_EVENTS, push=push, after=after))
    last = list(found)[-1]
    delays = {
        event: [1000 * (one.rows[event] - recorded) for one in viewers if event in one.rows]
        for event, recorded in found.items()
    }
    return Measured(
        viewers=count,
        delays=[delay for many in delays.values() for delay in many],
        live=delays[last],
        missed=sum(count - len(many) for many in delays.values()),
        starting=starting,
        watching=clock.cores(),
    )


def _shown(found: Measured) -> bool:
    """Print what was measured; return whether it holds."""

    def line(name: str, figures: list[float]) -> None:
        ordered = sorted(figures)
        p99 = ordered[int(0.99 * (len(ordered) - 1))]
        print(f"{name:36} p50 {statistics.median(ordered):6.0f} ms   p99 {p99:6.0f} ms   max {ordered[-1]:6.0f} ms")

    print(f"{found.viewers} viewers of one push, through Caddy; rows not seen: {found.missed}")
    line("each step, from its record", found.delays)
    line("live, from its record", found.live)
    for name in _PROGRAMS:
        watching, starting = found.watching[name], found.starting[name]
        print(f"{name:36} {watching:5.2f} cores while watching, {starting:5.2f} while they connected")
    holds = max(found.live) <= LIMIT_MS and found.watching["stream-events"] <= LIMIT_CORES and not found.missed
    verdict = "yes" if holds else "NO"
    print(f"live within {LIMIT_MS:g} ms, stream-events within {LIMIT_CORES:g} cores, nothing missed: {verdict}")
    return holds


@contextmanager
def _stage(pause: float) -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="slipway-viewers-", ignore_cleanup_errors=True) as folder:
        stage = Stage(folder=Path(folder), settings={"SLIPWAY_CANARY_PAUSE": f"{pause:g}"})
        stage.folder.chmod(0o711)  # PostgreSQL may run as another user
        stage.start()
        try:
            yield stage
        finally:
            stage.stop()


def main(arguments: list[str]) -> int:
    """Exit 0 when the limits hold."""
    parser = argparse.ArgumentParser(prog="task viewers --", description=__doc__)
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--pause", type=float, default=4, help="seconds between canary steps")
    options = parser.parse_args(arguments)
    with _stage(options.pause) as stage:
        developer = begin(stage, "watched")
        developer.deploy()
        database = Postgres(stage.at.database)
        sha = developer.commit()
        developer.push()
        sql = "select id from pushes where sha = :sha"
        push = until(lambda: database.run(sql, sha=sha), why="the push")[0][0]
        found = asyncio.run(_measure(stage.platform, push, options.viewers, database))
    return 0 if _shown(found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
