"""Slipway on the overlay `nats`: pushes while the parts of the broker, and JetStream itself, are taken away."""

import time

import pytest

from tests.cluster.kit.nats import PARTS, restart
from tests.cluster.kit.user import User
from tests.local.waiting import until
from tests.real_kubernetes import real_api

pytestmark = [pytest.mark.durable, pytest.mark.timeout(900)]
APP = "lasting"
SECONDS = 300  # an event that was under way when the dispatcher went comes again after 30; a webhook's by reconcile


@pytest.mark.parametrize("pause", [0, 4])
@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_broker_that_goes_away_loses_no_push(user: User, part: str, pause: int) -> None:
    sha = user.commit({"more.txt": f"{part} {pause}\n"})
    user.push()
    time.sleep(pause)
    began = time.monotonic()
    restart(real_api(), part)
    user.ended(sha, "live", seconds=SECONDS)
    print(f"\n{part} away {pause} s after the push: live {time.monotonic() - began:.0f} s later")
    until(lambda: sha in user.get()[1], seconds=5)
    assert not [one for one in user.paas_json("dead-letters", "list") if one["subject"].startswith(user.app)]
