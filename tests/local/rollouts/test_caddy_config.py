"""Caddy's configuration as a value."""

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from functions.local.rollouts.caddy import FAN, CaddySettings, app_routes, caddy_config, gateway_routes, identity
from functions.local.rollouts.canary import RequestCount, excess_of_errors
from tests.local.rollouts.conftest import controlled
from tests.local.rollouts.world import RolloutWorld
from tests.local.waiting import until
from tests.patience import patient

HERE = CaddySettings(
    admin_socket="/s/caddy.sock", storage="/h/caddy", access_log="/h/a.log", hosts="/h/hosts", certified="/h/certified",
    apps_port=1, gateway_port=2,
)  # fmt: skip


def test_the_identity_is_that_of_the_content() -> None:
    first, again = (caddy_config((10, 25, 50), HERE, {}) for _ in range(2))
    other = caddy_config((33,), HERE, {})

    assert first == again
    assert identity(first) == first["apps"]["http"]["@id"]
    assert identity(first) != identity(other)


def test_weights_are_in_their_smallest_numbers() -> None:
    inner = app_routes("/h/hosts", (10, 25, 33))[3]["handle"][0]["routes"]
    routes = inner[0]["handle"][-1]["routes"]
    weights = {
        next(iter(route["match"][0]["vars"].values()))[0]: route["handle"][0]["load_balancing"]["selection_policy"][
            "weights"
        ]
        for route in routes
        if len(route["handle"][0]["upstreams"]) == 2 * FAN
    }
    pairs = {"a10": [1, 9], "a25": [1, 3], "a33": [33, 67], "b10": [1, 9], "b25": [1, 3], "b33": [33, 67]}

    assert weights == {name: pair * FAN for name, pair in pairs.items()}


def test_webhooks_go_to_one_function_and_the_api_to_the_other() -> None:
    functions = {"verify-webhook": "http://127.0.0.1:9001", "manage-apps": "http://127.0.0.1:9002"}
    webhooks, api, nothing = gateway_routes(functions)

    assert webhooks["handle"][0]["upstreams"] == [{"dial": "127.0.0.1:9001"}]
    assert api["handle"][0]["upstreams"] == [{"dial": "127.0.0.1:9002"}]
    assert "/webhook/woodpecker" in webhooks["match"][0]["path"]
    assert nothing["handle"][0]["status_code"] == 404


@pytest.mark.parametrize(
    ("new", "old", "given_up"),
    [
        (RequestCount(10, 2), RequestCount(100, 0), False),
        (RequestCount(10, 3), RequestCount(100, 0), True),
        (RequestCount(1000, 9), RequestCount(9000, 0), False),
        (RequestCount(1000, 11), RequestCount(9000, 0), True),
        (RequestCount(100, 12), RequestCount(900, 90), False),
        (RequestCount(100, 14), RequestCount(900, 90), True),
    ],
)
def test_a_new_version_may_fail_as_often_as_the_old_one(new: RequestCount, old: RequestCount, given_up: bool) -> None:  # noqa: FBT001 - a table
    assert bool(excess_of_errors(new, old)) is given_up


class Function(BaseHTTPRequestHandler):
    """Echoes the path; closes the connection without an answer for the first request to /v1/webhooks/dies."""

    disable_nagle_algorithm = True  # the body follows the head at once
    died = False

    def do_POST(self) -> None:
        """Answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/dies") and not Function.died:
            Function.died = True
            self.close_connection = True
            return
        self.send_response(202)
        self.end_headers()
        self.wfile.write(self.path.encode() + b" " + body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def function() -> Iterator[int]:
    """Return the port of a function."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Function) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_webhook_whose_function_dies_is_sent_again(bare: RolloutWorld, function: int) -> None:
    functions = f'{{"verify-webhook": "http://127.0.0.1:{function}"}}'
    with controlled(bare, SLIPWAY_FUNCTIONS=functions):
        status, text = until(lambda: post(bare.gateway_port, "/v1/webhooks/dies"), why="the gateway")

    assert (status, text) == (202, "/v1/webhooks/dies body")


def post(port: int, path: str) -> tuple[int, str] | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patient(20))
    try:
        connection.request("POST", path, body=b"body")
        response = connection.getresponse()
        return response.status, response.read().decode()
    except ConnectionRefusedError:
        return None
    finally:
        connection.close()
