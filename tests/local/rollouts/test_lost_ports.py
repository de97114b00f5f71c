"""Ports that another process takes between their choice and the moment in which the app listens there."""

import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from functions.common.adapters.local.deployer import LocalProcessCounts
from functions.local.ports import port_reservations
from functions.local.rollouts.listeners import Owner, owner_of
from tests.local.rollouts.conftest import controlled
from tests.local.rollouts.load import Load
from tests.local.rollouts.world import RolloutWorld
from tests.local.waiting import until

# It listens when the gate is open, as an app does that needs a while to load.
GATED = "while [ ! -e $HOME/gate ]; do sleep 0.05; done; exec python app.py"
Taking = Callable[[int], AbstractContextManager[None]]
WEB, SECOND = "app.hello.production.1.web", "app.hello.production.1.web.2"


def gate(world: RolloutWorld, process: str) -> Path:
    return world.home / "apps" / "hello" / "production" / "1" / process / "home" / "gate"


def port_of(world: RolloutWorld, program: str) -> int:
    """Return the port that the process was started with, 0 before."""
    try:
        spec = json.loads((world.home / "apps.d" / f"{program}.json").read_text())
    except (FileNotFoundError, ValueError):
        return 0
    return int(spec["environment"]["PORT"])


def started_port(world: RolloutWorld, program: str) -> int:
    """Return the port of a program whose process waits at its gate."""
    running = lambda: program in world.process_manager.states() and world.process_manager.states()[program].pid  # noqa: E731 - a question
    until(running, why=f"the start of {program}")
    return port_of(world, program)


class Stranger(BaseHTTPRequestHandler):
    """Answers every request well, as an app does."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"a stranger\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def answering(port: int) -> Iterator[None]:
    """Listen at the port, and answer every health check with 200."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Stranger)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def silent(port: int) -> Iterator[None]:
    """Listen at the port and answer nothing."""
    with socket.create_server(("127.0.0.1", port)):
        yield


@contextmanager
def bound(port: int) -> Iterator[None]:
    """Have the port without listening: only the process that cannot listen there says so."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        yield


@contextmanager
def everywhere(port: int) -> Iterator[None]:
    """Listen at all addresses, those of IPv6 included where the machine has it."""
    has_both = socket.has_dualstack_ipv6()
    family, address = (socket.AF_INET6, "::") if has_both else (socket.AF_INET, "")
    with socket.create_server((address, port), family=family, dualstack_ipv6=has_both):
        yield


def answer(world: RolloutWorld) -> bytes:
    connection = Load(host=world.host, port=world.apps_port, context=world.client_context()).connection()
    connection.request("GET", "/")
    body = connection.getresponse().read()
    connection.close()
    return body


@pytest.mark.parametrize("taken", [answering, silent, bound, everywhere])
def test_a_release_takes_another_port_when_its_own_is_taken_before_it_listens(
    bare: RolloutWorld, taken: Taking
) -> None:
    bare.certify()
    with controlled(bare):
        bare.deployer.apply(bare.workload(1, processes={"web": GATED}))
        first = started_port(bare, WEB)
        with taken(first):
            gate(bare, "web").touch()
            bare.live(1)
            assert port_of(bare, WEB) != first
            until(bare.certified, why="the certificate")
            assert answer(bare) == b"release 1\n"


def test_a_second_web_process_takes_another_port_when_its_own_is_taken(bare: RolloutWorld) -> None:
    counts = LocalProcessCounts(database=bare.database)
    bare.certify()
    with controlled(bare):
        bare.deployer.apply(bare.workload(1, processes={"web": GATED}, replicas={"web": 3}))
        started_port(bare, WEB)
        gate(bare, "web").touch()
        bare.live(1)
        second, third = started_port(bare, SECOND), started_port(bare, SECOND[:-1] + "3")
        with answering(second), bound(third):
            gate(bare, "web.2").touch()
            gate(bare, "web.3").touch()
            until(lambda: counts.ready("hello", "production") == {"web": 3}, why="three processes")
            assert port_of(bare, SECOND) != second
            assert port_of(bare, SECOND[:-1] + "3") != third
            until(bare.certified, why="the certificate")
            assert {answer(bare) for _ in range(9)} == {b"release 1\n"}


def test_a_live_process_that_restarts_takes_another_port_when_its_own_is_taken(bare: RolloutWorld) -> None:
    bare.certify()
    with controlled(bare):
        bare.deployer.apply(bare.workload(1, processes={"web": GATED}))
        started_port(bare, WEB)
        gate(bare, "web").touch()
        bare.live(1)
        until(bare.certified, why="the certificate")
        first, state = port_of(bare, WEB), bare.process_manager.states()[WEB]
        gate(bare, "web").unlink()
        os.killpg(state.pid, signal.SIGKILL)
        until(lambda: is_free(first), why="the end of the process")
        with answering(first):
            gate(bare, "web").touch()
            until(lambda: port_of(bare, WEB) != first, why="another port")
            until(lambda: answer(bare) == b"release 1\n", why="its answer")


def is_free(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


def test_ports_of_a_running_version_are_reserved_until_its_end(world: RolloutWorld) -> None:
    port = port_of(world, WEB)
    with port_reservations() as others:
        until(lambda: others.take(port) != port, why="the reservation")
        world.deployer.remove("hello", "production", through=1)
        until(lambda: world.process_manager.states() == {}, why="its end")
        until(lambda: others.take(port) == port, why="the port")


def test_a_port_belongs_to_the_process_that_listens_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert owner_of(port, os.getpid(), lambda: 0) is Owner.OWN
        assert owner_of(port, 0, lambda: 0) is Owner.OTHER
    assert owner_of(port, os.getpid(), lambda: 0) is Owner.NONE
