"""The first call may find the connection open; who cannot open it says so at the first call."""

import pytest

from functions.common.errors import Unavailable
from tests.fakes.loopback_kubernetes import api_at, loopback_kubernetes
from tests.local.waiting import until


def test_the_connection_is_opened_ahead() -> None:
    with loopback_kubernetes() as server:
        server.api.open_ahead()
        until(lambda: ("GET", "/version") in server.calls)


def test_a_server_that_is_away_is_told_of_at_the_first_call() -> None:
    api = api_at("http://127.0.0.1:1")
    api.open_ahead()
    with pytest.raises(Unavailable, match="does not answer"):
        api.read("/api/v1/namespaces/slipway")
