"""How far an Argo Rollout is; the rules are those of Argo CD's health check of Rollouts."""

from datetime import datetime, timedelta

from functions.common.adapters.kubernetes_health import UNSEEN, Health, Object, condition, failed, moving, number, part
from functions.common.domain.release import WorkloadPhase

_NOT_COUNTED = frozenset({"RolloutPaused", "RolloutAborted"})  # it has just been resumed, or is tried again
_GRACE = timedelta(seconds=10)  # Argo looks a second after the deadline


def rollout_health(found: Object) -> Health:
    """Return how far an Argo Rollout is; those before 1.0 tell no phase."""
    status = part(found, "status")
    if not _is_seen(found, status):
        return UNSEEN
    invalid = condition(status, "InvalidSpec")
    if invalid.get("status") == "True":
        return failed(invalid)
    phase = status.get("phase") or _phase_without_word(part(found, "spec"), status)
    if phase == "Healthy":
        return Health(phase=WorkloadPhase.LIVE, weight=100)
    if phase == "Degraded":
        progress = condition(status, "Progressing")
        return failed({"message": status.get("message") or progress.get("message")})
    return moving(_weight(part(found, "spec"), status))


def is_overdue(found: Object, now: datetime) -> bool:
    """Return whether a Rollout stands still past its progress deadline and was not given up; a pause is none."""
    status, limit = part(found, "status"), number(part(found, "spec"), "progressDeadlineSeconds")
    progress = condition(status, "Progressing")
    since = progress.get("lastUpdateTime")
    if not limit or not since or not _is_seen(found, status) or status.get("phase") != "Progressing":
        return False
    if status.get("abort") or progress.get("reason") in _NOT_COUNTED:
        return False
    return now - datetime.fromisoformat(since) > timedelta(seconds=limit) + _GRACE


def _is_seen(found: Object, status: Object) -> bool:
    """Return whether the status is of this spec; Argo writes its generation as a string, before 0.10 as a hash."""
    metadata, told = part(found, "metadata"), str(status.get("observedGeneration", ""))
    if not status:
        return False
    asked = part(metadata, "annotations").get("rollout.argoproj.io/workload-generation", "")
    seen = str(status.get("workloadObservedGeneration", ""))
    if part(found, "spec").get("workloadRef") and asked and seen and asked != seen:
        return False
    generation = number(metadata, "generation")
    return not told.isdigit() or int(told) > generation or int(told) == generation


def _phase_without_word(spec: Object, status: Object) -> str:
    progress = condition(status, "Progressing").get("reason", "")
    if progress in {"RolloutAborted", "ProgressDeadlineExceeded"}:
        return "Degraded"
    if status.get("pauseConditions") or spec.get("paused"):
        return "Paused"
    wanted, updated = number(spec, "replicas", 1), number(status, "updatedReplicas")
    if updated < wanted or number(status, "availableReplicas") < updated:
        return "Progressing"
    blue_green, canary = part(part(spec, "strategy"), "blueGreen"), part(status, "canary")
    current = status.get("currentPodHash")
    if blue_green:
        return "Healthy" if part(status, "blueGreen").get("activeSelector") == current else "Progressing"
    stable = status.get("stableRS") or canary.get("stableRS")
    is_over = not part(part(spec, "strategy"), "canary").get("steps") or stable == current
    return "Healthy" if is_over and number(status, "replicas") <= updated else "Progressing"


def _weight(spec: Object, status: Object) -> int:
    told = part(part(part(status, "canary"), "weights"), "canary").get("weight")
    if isinstance(told, int):
        return told
    steps = part(part(spec, "strategy"), "canary").get("steps") or []
    index = status.get("currentStepIndex")
    passed = steps[: index + 1] if isinstance(index, int) else []
    weights = [int(step["setWeight"]) for step in passed if "setWeight" in step]
    return weights[-1] if weights and number(status, "updatedReplicas") else 0
