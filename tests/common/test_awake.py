"""An event that only wakes opens the connections of the next one, and never fails."""

from functions.common.errors import Unavailable
from functions.common.events.envelope import Envelope
from functions.common.runtime.subscriber import awake

EVENT = Envelope(id="1", source="/", type="dev.slipway.push.received.v1", subject="", time="", data={})


def unreachable() -> None:
    msg = "nobody answers"
    raise Unavailable(msg)


def test_each_call_is_made_whatever_came_of_the_one_before() -> None:
    made = list[str]()

    awake(unreachable, lambda: made.append("second"))(EVENT)

    assert made == ["second"]
