"""The first call may find the connection open; who cannot open it says so at the first call."""

import subprocess
import sys

import pytest

from functions.common.errors import Unavailable
from tests.conftest import ROOT
from tests.fakes.loopback_kubernetes import api_at, loopback_kubernetes
from tests.local.waiting import until
from tests.patience import patient


def test_the_connection_is_opened_ahead() -> None:
    with loopback_kubernetes() as server:
        server.api.open_ahead()
        until(lambda: ("GET", "/version") in server.calls)


def test_a_server_that_is_away_is_told_of_at_the_first_call() -> None:
    api = api_at("http://127.0.0.1:1")
    api.open_ahead()
    with pytest.raises(Unavailable, match="does not answer"):
        api.read("/api/v1/namespaces/slipway")


# The client's packages, imported by two threads side by side, fail in both and in all that come after.
SIDE_BY_SIDE = """
import time
from concurrent.futures import ThreadPoolExecutor
from functions.common.errors import Unavailable
from tests.fakes.loopback_kubernetes import api_at

def first_call(number):
    time.sleep(number * 0.005)
    try:
        api_at("http://127.0.0.1:1").read("/api/v1/namespaces/slipway")
    except Unavailable:
        return "unavailable"

with ThreadPoolExecutor(16) as pool:
    print(set(pool.map(first_call, range(16))))
"""


def test_threads_whose_first_calls_come_side_by_side_all_get_a_client() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SIDE_BY_SIDE], cwd=ROOT, capture_output=True, text=True, timeout=patient(60), check=False
    )
    assert (ran.stdout, ran.stderr) == ("{'unavailable'}\n", "")
