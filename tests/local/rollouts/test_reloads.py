"""Requests while other apps come and go, and while Caddy gets new configurations."""

import json
import ssl
import time
from dataclasses import replace
from pathlib import Path

import pytest

from functions.common.adapters.local.network import LocalCertificates
from functions.common.adapters.system_clock import SystemClock
from functions.local.rollouts.caddy import CaddyAdmin
from tests.local.rollouts.load import under_load
from tests.local.rollouts.test_releases import load_on
from tests.local.rollouts.world import RolloutWorld
from tests.local.waiting import until

OTHERS = 30


def configuration(world: RolloutWorld) -> str:
    """Return the name of the configuration that runs."""
    saved = json.loads((world.home / "caddy/config/caddy/autosave.json").read_text())
    return str(saved["apps"]["http"]["@id"])


def listeners(port: int) -> set[str]:
    """Return the inodes of the sockets that listen on a port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[9] for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}")}


def answers(world: RolloutWorld, host: str) -> list[int]:
    """Return the status of an answer to a request for this host, nothing while it has no certificate."""
    load = replace(load_on(world), host=host)
    try:
        load._ask(load.connection(), "GET")  # noqa: SLF001 - one request of a load
    except ssl.SSLError:
        return []
    return [status for _, status, _ in load.answers]


def test_adding_and_removing_hosts_costs_no_request_of_others(world: RolloutWorld) -> None:
    certificates = LocalCertificates(database=world.database, clock=SystemClock())
    first = world.workload(1)
    before = configuration(world)
    with under_load(load_on(world), clients=6) as load:
        until(lambda: len(load.answers) > 50, why="load")
        for number in range(OTHERS):
            host = f"other-{number}.localhost"
            certificates.ensure(host, owner="other")
            world.deployer.apply(replace(first, app=f"other-{number}", hosts=(host,), release=1))
            time.sleep(0.05)
        last = f"other-{OTHERS - 1}.localhost"
        until(lambda: answers(world, last) == [200], why="the last one")
        for number in range(OTHERS):
            certificates.delete(f"other-{number}.localhost")
            world.deployer.remove(f"other-{number}", "production", through=1)
        until(lambda: answers(world, last) != [200], why="its end")

    assert load.failures == []
    assert configuration(world) == before


def test_a_host_without_an_app_gets_no_certificate(world: RolloutWorld) -> None:
    assert answers(world, "hello.localhost") == [200]
    assert answers(world, "nobody.localhost") == []


@pytest.mark.parametrize("port", ["apps_port", "gateway_port"])
def test_a_new_configuration_listens_on_the_same_sockets(world: RolloutWorld, port: str) -> None:
    before = listeners(getattr(world, port))
    saved = json.loads((world.home / "caddy/config/caddy/autosave.json").read_text())
    saved["apps"]["http"]["@id"] = "another"
    CaddyAdmin(socket=world.runtime / "caddy.sock").load(saved)

    assert len(before) == 1
    assert listeners(getattr(world, port)) == before
