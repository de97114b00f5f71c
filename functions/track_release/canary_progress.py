"""Records the canary progress that a cluster shows, for `paas explain`; one machine reports it by events."""

from dataclasses import replace

from functions.common.events.base import CURRENT_CAUSE
from functions.common.events.envelope import envelop
from functions.common.events.release import WorkloadChanged
from functions.common.ports.clock import Clock
from functions.common.ports.events import EventLog


def record_share(seen: WorkloadChanged, *, log: EventLog, clock: Clock) -> None:
    """Record that a release has a share of the traffic, once for each share, however often it is reported."""
    if seen.phase != "shifting" or not seen.weight:
        return
    cause = CURRENT_CAUSE.get()
    share = replace(cause, source="/slipway/workloads", id=f"{seen.subject} {seen.release} {seen.weight}")
    log.append(envelop(seen, cause=share, time=clock.now().isoformat()), cause=cause.id)
