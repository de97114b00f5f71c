"""What a deployer's report says, in words and states."""

from functions.common.domain.release import WorkloadPhase
from functions.common.events.release import WorkloadChanged

LOG_TAIL_BYTES = 4096
_STEPS = {WorkloadPhase.RELEASING: "release command", WorkloadPhase.STARTING: "health check"}


def progress(event: WorkloadChanged) -> str:
    """Return the step that an unfinished release is at."""
    return event.step or _STEPS.get(WorkloadPhase(event.phase)) or f"canary {event.weight} %"


def log_tail(text: str) -> str:
    """Return the end of a log, as much as an event may carry."""
    return text.encode()[-LOG_TAIL_BYTES:].decode(errors="ignore")
