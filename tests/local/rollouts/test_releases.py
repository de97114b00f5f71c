"""Releases of a real app behind a real Caddy."""

import http.client
import socket
import time
from itertools import pairwise

from tests.local.rollouts.load import Load, under_load
from tests.local.rollouts.world import RolloutWorld
from tests.local.waiting import until
from tests.patience import patient


def load_on(world: RolloutWorld) -> Load:
    return Load(host=world.host, port=world.apps_port, context=world.client_context())


def test_the_first_release_gets_all_traffic_at_once(world: RolloutWorld) -> None:
    phases = [(one.phase, one.weight) for one in world.reports()]

    assert phases == [("releasing", 0), ("starting", 0), ("shifting", 100), ("live", 100)]
    with under_load(load_on(world), clients=1) as load:
        until(lambda: load.answers, why="an answer")
    assert load.shares().keys() == {"release 1"}
    assert load.failures == []


def test_a_host_is_the_same_in_any_case_and_with_its_last_dot(world: RolloutWorld) -> None:
    def status(host: str) -> int:
        address = ("127.0.0.1", world.apps_port)
        with socket.create_connection(address, timeout=patient(10)) as plain:
            connection = http.client.HTTPConnection(*address)
            connection.sock = world.client_context().wrap_socket(plain, server_hostname=world.host)
            connection.request("GET", "/", headers={"Host": host})
            answer = connection.getresponse()
            answer.read()
            connection.close()
            return answer.status

    spellings = [world.host.upper(), f"{world.host}.", f"{world.host.title()}.:{world.apps_port}", f"{world.host}:"]
    until(lambda: status(world.host) == 200, why="the first version")
    assert [status(host) for host in spellings] == [200] * 4
    assert [status(host) for host in ("other.localhost.", f"x{world.host.upper()}", ".", "..")] == [404] * 4


def test_a_canary_gets_its_percentages_and_loses_no_request(slow: RolloutWorld) -> None:
    with under_load(load_on(slow)) as load:
        until(lambda: len(load.answers) > 50, why="load")
        slow.deployer.apply(slow.workload(2))
        seen: dict[int, float] = {}
        deadline = time.monotonic() + patient(20)
        while 100 not in seen and time.monotonic() < deadline:
            for one in slow.reports():
                if one.release == 2 and one.phase == "shifting":
                    seen.setdefault(one.weight, time.monotonic())
            time.sleep(0.01)
        slow.live(2)
        time.sleep(0.5)
        end = time.monotonic()

    assert load.failures == []
    assert list(seen) == [10, 25, 50, 100]
    moments = [*seen.items(), (0, end)]
    for (weight, begin), (_, until_then) in pairwise(moments):
        shares = load.shares(begin + 0.15, until_then)
        share = 100 * shares["release 2"] / shares.total()
        assert abs(share - weight) < 8, (weight, shares)
    until(lambda: slow.stages()[1] == "stopped", why="the old version's end")
    assert [name for name in slow.process_manager.states() if ".1." in name] == []


def test_processes_run_in_the_apps_folder_of_its_repository(world: RolloutWorld) -> None:
    world.deployer.apply(world.workload(1, digest=world.image({"web": "exec python app.py"}, root="services/api")))

    assert world.ended(1).phase == "live"
