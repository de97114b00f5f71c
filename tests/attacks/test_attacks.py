"""A short form of `task attacks`: each attack and a hundred mutations, on a broker and a function that is served."""

import http.client
from pathlib import Path

from functions.common.adapters.postgres.client import Postgres
from tests.attacks.events import ACCEPTED, BINARY, REJECTED, Case
from tests.attacks.requests import attacks, floods, largest_events
from tests.attacks.target import Target, attack
from tests.attacks.watch import Probe
from tests.attacks.wire import case_request, request, send
from tests.common.served import served
from tests.local.broker.services import NO_REPLY, always
from tests.local.broker.world import World
from tests.local.project import service, trigger
from tests.patience import patient

MUTATIONS, SEED = 100, 14
HEAVIEST_TIMES = 8  # once for each thread of a function; `task attacks` sends them twice
MAX_SECONDS, MAX_WRONG = 15.0, 0.05  # other tests run beside these, so that JetStream may be late
HEALTH = request([], b"", method="GET", path="/healthz")
GOOD_EVENT = request(BINARY.items(), b"{}")
MANIFESTS = service("sink") + service("park") + trigger("all", "sink")
QUIET = {"sink": always(NO_REPLY), "park": always(NO_REPLY)}
PARK_EVENT = """
import os, pathlib

pathlib.Path(os.environ["HOME"], "process").write_text(str(os.getpid()))  # gunicorn's first process reads this

from functions.park_event.app import park_event as target
"""


def test_the_broker_withstands_it(tmp_path: Path) -> None:
    with World(tmp_path, MANIFESTS, QUIET).running() as world:
        target = Target(
            name="broker",
            port=world.port,
            process=world.processes["broker"].pid,
            attacks=attacks(),
            floods=floods(),
            heaviest=largest_events(),
            heaviest_times=HEAVIEST_TIMES,
            max_seconds=MAX_SECONDS,
            max_wrong=MAX_WRONG,
            probes=[Probe("health", world.port, HEALTH, 200), Probe("event", world.port, GOOD_EVENT, 202)],
        )

        result = attack(target, mutations=MUTATIONS, seed=SEED)

        assert result.failures == []
        assert result.answers["4xx"] > len(REJECTED)
        assert world.send("t", "after") == 202
        world.wait(lambda: "after" in world.services["sink"].ids())
        assert world.log().count("\n") < 1000


def test_a_function_withstands_it(tmp_path: Path, database: str) -> None:
    """park-event keeps every event, so that none may be one that PostgreSQL does not store."""
    settings = {"DATABASE_URL": database, "K_SINK": "http://127.0.0.1:9", "DEFAULT_DOMAIN": "localhost"}
    with served(PARK_EVENT, tmp_path, ready="/healthz", THREADS="8", SLIPWAY_PLATFORM="local", **settings) as port:
        target = Target(
            name="park-event",
            port=port,
            process=int((tmp_path / "process").read_text().split()[0]),
            attacks=attacks(),
            floods=floods(),
            heaviest=largest_events(),
            heaviest_times=HEAVIEST_TIMES,
            max_seconds=MAX_SECONDS,
            probes=[Probe("health", port, HEALTH, 204), Probe("event", port, GOOD_EVENT, 202)],
        )

        result = attack(target, mutations=MUTATIONS, seed=SEED)

        assert result.failures == []
        assert result.answers["4xx"] > len(REJECTED)


def test_a_function_gives_the_verdict_of_the_broker(tmp_path: Path, database: str) -> None:
    settings = {"DATABASE_URL": database, "K_SINK": "http://127.0.0.1:9", "DEFAULT_DOMAIN": "localhost"}

    def status(port: int, case: Case) -> int:
        return send(port, case_request(case), within=patient(5)).status

    with served(PARK_EVENT, tmp_path, ready="/healthz", SLIPWAY_PLATFORM="local", **settings) as port:
        assert [case.name for case in REJECTED if status(port, case) != http.client.BAD_REQUEST] == []
        assert [case.name for case in ACCEPTED if status(port, case) != http.client.ACCEPTED] == []

    with_letters = Postgres(database).run("select count(*) from dead_letters")
    assert with_letters == [[2]]  # it is the same event for all; one names its subscriber
