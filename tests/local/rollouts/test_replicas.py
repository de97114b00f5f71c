"""Several processes of one type, on one machine."""

import json
from collections import Counter

import pytest

from functions.common.adapters.local.deployer import LocalProcessCounts
from functions.common.domain.quantity import bytes_of, checked_cpu, checked_memory, cores_of
from functions.common.errors import Rejected
from tests.local.rollouts.load import Load, under_load
from tests.local.rollouts.world import RolloutWorld
from tests.local.waiting import until

SHOW = """
import os, resource, time
print(len(os.sched_getaffinity(0)), resource.getrlimit(resource.RLIMIT_DATA)[0], flush=True)
time.sleep(1000)
"""
WORKER = {"worker": "exec sleep 1000"}


def load_on(world: RolloutWorld) -> Load:
    return Load(host=world.host, port=world.apps_port, context=world.client_context())


def ready(world: RolloutWorld) -> dict[str, int]:
    """Return what the API would read."""
    return LocalProcessCounts(database=world.database).ready("hello", "production")


def served_by(world: RolloutWorld, *, after: int = 0) -> Counter[str]:
    """Return how many requests each upstream has answered, by the access log from a line on."""
    lines = (world.home / "access.log").read_text().splitlines()[after:]
    return Counter(entry["upstream"] for entry in map(json.loads, lines) if entry.get("upstream"))


def requests(world: RolloutWorld) -> int:
    """Return the number of lines in the access log."""
    return len((world.home / "access.log").read_text().splitlines())


def test_web_is_scaled_up_and_down_without_losing_a_request(world: RolloutWorld) -> None:
    with under_load(load_on(world)) as load:
        until(lambda: len(load.answers) > 20, why="load")
        world.deployer.scale("hello", "production", {"web": 3})
        until(lambda: ready(world) == {"web": 3}, why="three processes")
        before = requests(world)
        until(lambda: len(served_by(world, after=before)) == 3, why="requests to all three")
        world.deployer.scale("hello", "production", {"web": 1})
        until(lambda: ready(world) == {"web": 1}, why="one process")
        until(lambda: len([name for name in world.process_manager.states() if ".web" in name]) == 1, why="their end")
        answered = len(load.answers)
        until(lambda: len(load.answers) > answered + 50, why="more requests")

    assert load.failures == []
    shares = served_by(world, after=before)
    assert min(shares.values()) > 0


def test_a_scaled_app_keeps_its_number_over_the_next_release(world: RolloutWorld) -> None:
    world.deployer.scale("hello", "production", {"web": 2})
    until(lambda: ready(world) == {"web": 2}, why="two processes")
    with under_load(load_on(world)) as load:
        until(lambda: len(load.answers) > 20, why="load")
        world.deployer.apply(world.workload(2, replicas={"web": 2}))
        world.live(2)
        until(lambda: ready(world) == {"web": 2}, why="two processes of the new version")
        until(lambda: world.stages()[1] == "stopped", why="the old version's end")

    assert load.failures == []
    assert [name for name in world.process_manager.states() if ".1." in name] == []


def test_other_processes_are_scaled_down_to_none(world: RolloutWorld) -> None:
    world.deployer.apply(world.workload(2, processes=WORKER, replicas={"worker": 2}))
    world.live(2)
    until(lambda: ready(world) == {"web": 1, "worker": 2}, why="two workers")
    world.deployer.scale("hello", "production", {"worker": 0})
    until(lambda: ready(world) == {"web": 1, "worker": 0}, why="no worker")
    world.deployer.scale("hello", "production", {"worker": 1})
    until(lambda: ready(world) == {"web": 1, "worker": 1}, why="a worker again")


def test_processes_beside_web_run_only_when_they_are_scaled(world: RolloutWorld) -> None:
    """Neither a console, which ends at once without a terminal, nor a second scheduler is started unasked."""
    others = {"worker": "exec sleep 1000", "console": "exit 0", "clock": "exec sleep 1000"}
    world.deployer.apply(world.workload(2, processes=others))
    world.live(2)
    until(lambda: ready(world) == {"web": 1, "worker": 0, "console": 0, "clock": 0}, why="the count")
    assert [name for name in world.process_manager.states() if ".2." in name] == ["app.hello.production.2.web"]

    world.deployer.scale("hello", "production", {"clock": 1})
    until(lambda: ready(world) == {"web": 1, "worker": 0, "console": 0, "clock": 1}, why="the clock")


def test_a_process_that_dies_is_started_again(world: RolloutWorld) -> None:
    world.deployer.scale("hello", "production", {"web": 2})
    until(lambda: ready(world) == {"web": 2}, why="two processes")
    second = "app.hello.production.1.web.2"
    world.process_manager.remove(second)

    until(lambda: ready(world) == {"web": 2} and second in world.process_manager.states(), why="the second one again")


def test_limits_hold_for_the_processes_of_an_app(world: RolloutWorld) -> None:
    shower = {"processes": {"shower": f"exec python -c '{SHOW}'"}, "replicas": {"shower": 1}}
    world.deployer.apply(world.workload(2, "", **shower, cpu="500m", memory="512Mi"))
    world.live(2)
    log = world.home / "logs" / "apps" / "hello" / "production" / "2-shower.log"

    until(lambda: log.exists() and len(log.read_text().split()) > 1, why="its output")

    assert log.read_text().split() == ["1", str(512 * 1024**2)]


def test_a_removed_app_leaves_none_of_its_processes(world: RolloutWorld) -> None:
    world.deployer.scale("hello", "production", {"web": 3})
    until(lambda: ready(world) == {"web": 3}, why="three processes")
    world.deployer.remove("hello", "production", through=1)
    until(lambda: world.process_manager.states() == {}, why="their end")
    world.deployer.apply(world.workload(2))
    world.live(2)


@pytest.mark.parametrize(
    ("cpu", "cores"), [("", 0), ("10m", 1), ("500m", 1), ("1", 1), ("1.5", 2), ("2000m", 2), ("128", 128)]
)
def test_cpu_is_counted_in_whole_cores(cpu: str, cores: int) -> None:
    assert cores_of(checked_cpu(cpu)) == cores


@pytest.mark.parametrize(
    ("memory", "size"), [("", 0), ("32Mi", 32 * 1024**2), ("2Gi", 2 * 1024**3), ("64M", 64 * 1000**2)]
)
def test_memory_is_counted_in_bytes(memory: str, size: int) -> None:
    assert bytes_of(checked_memory(memory)) == size


@pytest.mark.parametrize("text", ["9m", "1.2345", "1 ", "\u0661", "0.0001", "1" * 50, "1Gi"])
def test_what_is_no_cpu_is_refused(text: str) -> None:
    with pytest.raises(Rejected, match=r"^cpu: "):
        checked_cpu(text)


def test_a_maintenance_page_takes_the_place_of_an_app_that_runs_on(world: RolloutWorld) -> None:
    def shown() -> tuple[int, str, bytes]:
        connection = load_on(world).connection()
        connection.request("GET", "/")
        answer = connection.getresponse()
        found = answer.status, answer.headers.get("Retry-After", ""), answer.read()
        connection.close()
        return found

    before = shown()
    states = world.process_manager.states()
    world.deployer.show_maintenance("hello", "production", on=True)
    until(lambda: shown()[0] == 503, why="the page")
    page = shown()
    world.deployer.apply(world.workload(2, maintenance=True))
    world.live(2)
    during = shown()
    world.deployer.show_maintenance("hello", "production", on=False)
    until(lambda: shown()[0] == 200, why="the app again")

    assert (before[2], page[1], b"under maintenance" in page[2]) == (b"release 1\n", "120", True)
    assert (during[0], shown()[2]) == (503, b"release 2\n")
    assert states.keys() == {"app.hello.production.1.web"}
