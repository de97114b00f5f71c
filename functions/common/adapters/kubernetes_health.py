"""How far a workload is, by its status, for the version that its spec asks for.

A status counts only once its controller has seen the spec (observedGeneration): before that it speaks of
the version before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.common.domain.release import WorkloadPhase

Object = Mapping[str, Any]
CHECK = "health check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`weight` is the new version's share in percent; `observed` False when the status is of an older spec."""

    phase: WorkloadPhase
    weight: int = 0
    step: str = ""
    reason: str = ""
    observed: bool = True


UNSEEN = Health(phase=WorkloadPhase.STARTING, observed=False)


def deployment_health(found: Object) -> Health:
    """Return how far a Deployment is, as `kubectl rollout status` tells it."""
    status, spec = part(found, "status"), part(found, "spec")
    if number(status, "observedGeneration") < number(part(found, "metadata"), "generation"):
        return UNSEEN
    progress = condition(status, "Progressing")
    if progress.get("reason") == "ProgressDeadlineExceeded":
        return failed(progress)
    wanted, updated = number(spec, "replicas", 1), number(status, "updatedReplicas")
    done = updated >= wanted and number(status, "availableReplicas") >= wanted
    if done and number(status, "replicas") <= updated:
        return Health(phase=WorkloadPhase.LIVE, weight=100)
    return moving(_ready_share(status, updated, wanted))


def knative_health(found: Object) -> Health:
    """Return how far a Knative Service is; a revision that does not come up leaves the one before in place."""
    status = part(found, "status")
    if number(status, "observedGeneration") != number(part(found, "metadata"), "generation"):
        return UNSEEN
    ready, made = condition(status, "Ready"), condition(status, "ConfigurationsReady")
    if made.get("status") == "False":
        return failed(made)
    newest = status.get("latestCreatedRevisionName")
    if ready.get("status") == "True" and newest and newest == status.get("latestReadyRevisionName"):
        return Health(phase=WorkloadPhase.LIVE, weight=100)
    return moving(0)


def job_health(found: Object) -> Health:
    """Return live for a Job that succeeded."""
    status = part(found, "status")
    failed = condition(status, "Failed")
    if failed.get("status") == "True":
        said = failed.get("message") or failed.get("reason") or "it failed"
        return Health(phase=WorkloadPhase.FAILED, step="release command", reason=str(said))
    done = condition(status, "Complete").get("status") == "True"
    return Health(phase=WorkloadPhase.LIVE if done else WorkloadPhase.RELEASING)


def condition(status: Object, kind: str) -> Object:
    """Return the condition of a type, or an empty one."""
    return next((one for one in status.get("conditions") or [] if one.get("type") == kind), {})


def _ready_share(status: Object, updated: int, wanted: int) -> int:
    old = max(0, number(status, "replicas") - updated)
    ready = min(updated, max(0, number(status, "readyReplicas") - old))
    return min(99, 100 * ready // max(1, wanted))


def moving(weight: int) -> Health:
    """Return the health of a version on its way, with its share of the traffic."""
    return Health(phase=WorkloadPhase.SHIFTING if weight else WorkloadPhase.STARTING, weight=weight)


def failed(told: Object) -> Health:
    """Return the health of a version that was given up, for what a condition says."""
    reason = str(told.get("message") or told.get("reason") or "the new version did not become ready")
    return Health(phase=WorkloadPhase.FAILED, step=CHECK, reason=reason)


def number(found: Object, name: str, default: int = 0) -> int:
    """Return a number of an object, or the default."""
    value = found.get(name)
    return value if isinstance(value, int) else default


def part(found: Object, name: str) -> Object:
    """Return a part of an object, empty when it is not there."""
    value = found.get(name)
    return value if isinstance(value, dict) else {}
