"""The connection to the Kubernetes API may open in the background; the first call reports errors."""

import subprocess
import sys

import pytest

from functions.common.errors import Unavailable
from tests.conftest import ROOT
from tests.fakes.loopback_kubernetes import api_at, loopback_kubernetes
from tests.local.waiting import until
from tests.patience import patient


def test_the_connection_opens_in_the_background() -> None:
    with loopback_kubernetes() as server:
        server.api.open_ahead()
        until(lambda: ("GET", "/version") in server.calls)


def test_the_first_call_reports_a_server_that_does_not_answer() -> None:
    api = api_at("http://127.0.0.1:1")
    api.open_ahead()
    with pytest.raises(Unavailable, match="does not answer"):
        api.read("/api/v1/namespaces/slipway")


# Two threads that import the client's packages at once break them for the whole process.
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


def test_concurrent_first_calls_all_get_a_client() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SIDE_BY_SIDE], cwd=ROOT, capture_output=True, text=True, timeout=patient(60), check=False
    )
    assert (ran.stdout, ran.stderr) == ("{'unavailable'}\n", "")
