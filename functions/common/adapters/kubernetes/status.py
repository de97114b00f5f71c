"""Reads the progress of a release from the status of its workload."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from functions.common.adapters.kubernetes.names import (
    APP,
    ENVIRONMENT,
    MANAGED,
    MANAGER,
    PROCESS,
    PUSH,
    RELEASE,
    annotation,
)
from functions.common.adapters.kubernetes.pods import RELEASE_PROCESS, WEB
from functions.common.domain.release import WorkloadPhase
from functions.common.events.release import WorkloadChanged

# A status counts only when its controller has seen the spec (observedGeneration): before that it describes the
# previous version.

Object = Mapping[str, Any]
CHECK = "health check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The progress of a version; `weight` is its traffic share in percent, `observed` False for an older status."""

    phase: WorkloadPhase
    weight: int = 0
    step: str = ""
    reason: str = ""
    observed: bool = True


UNSEEN = Health(phase=WorkloadPhase.STARTING, observed=False)


def deployment_health(found: Object) -> Health:
    """Return the progress of a Deployment, by the rules of `kubectl rollout status`."""
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
    """Return the progress of a Knative Service; the previous revision serves until the new one is ready."""
    status = part(found, "status")
    if number(status, "observedGeneration") != number(part(found, "metadata"), "generation"):
        return UNSEEN
    ready, configured = condition(status, "Ready"), condition(status, "ConfigurationsReady")
    if configured.get("status") == "False":
        return failed(configured)
    newest = status.get("latestCreatedRevisionName")
    if ready.get("status") == "True" and newest and newest == status.get("latestReadyRevisionName"):
        return Health(phase=WorkloadPhase.LIVE, weight=100)
    return moving(0)


def job_health(found: Object) -> Health:
    """Return the progress of a Job; live when it has succeeded."""
    status = part(found, "status")
    failed = condition(status, "Failed")
    if failed.get("status") == "True":
        said = failed.get("message") or failed.get("reason") or "it failed"
        return Health(phase=WorkloadPhase.FAILED, step="release command", reason=str(said))
    done = condition(status, "Complete").get("status") == "True"
    return Health(phase=WorkloadPhase.LIVE if done else WorkloadPhase.RELEASING)


def condition(status: Object, kind: str) -> Object:
    """Return the condition of this type, or an empty one."""
    return next((one for one in status.get("conditions") or [] if one.get("type") == kind), {})


def _ready_share(status: Object, updated: int, wanted: int) -> int:
    old = max(0, number(status, "replicas") - updated)
    ready = min(updated, max(0, number(status, "readyReplicas") - old))
    return min(99, 100 * ready // max(1, wanted))


def moving(weight: int) -> Health:
    """Return the health of an unfinished version with its traffic share."""
    return Health(phase=WorkloadPhase.SHIFTING if weight else WorkloadPhase.STARTING, weight=weight)


def failed(cause: Object) -> Health:
    """Return the health of a failed version; the reason is the message of a condition."""
    reason = str(cause.get("message") or cause.get("reason") or "the new version did not become ready")
    return Health(phase=WorkloadPhase.FAILED, step=CHECK, reason=reason)


def number(found: Object, name: str, default: int = 0) -> int:
    """Return a number of an object, or the default."""
    value = found.get(name)
    return value if isinstance(value, int) else default


def part(found: Object, name: str) -> Object:
    """Return a part of an object, empty when it is missing."""
    value = found.get(name)
    return value if isinstance(value, dict) else {}


# Argo Rollouts, by the rules of Argo CD's health check.

_NOT_COUNTED = frozenset({"RolloutPaused", "RolloutAborted"})  # it was just resumed, or is retried
_GRACE = timedelta(seconds=10)  # Argo checks a second after the deadline


def rollout_health(found: Object) -> Health:
    """Return the progress of an Argo Rollout; versions before 1.0 have no phase."""
    status = part(found, "status")
    if not _is_seen(found, status):
        return UNSEEN
    invalid = condition(status, "InvalidSpec")
    if invalid.get("status") == "True":
        # Argo looks again soon: what was applied just before the Rollout may be missing in its cache for a moment.
        return moving(0) if str(invalid.get("message", "")).endswith("not found") else failed(invalid)
    phase = status.get("phase") or _inferred_phase(part(found, "spec"), status)
    if phase == "Healthy":
        return Health(phase=WorkloadPhase.LIVE, weight=100)
    if phase == "Degraded":
        progress = condition(status, "Progressing")
        return failed({"message": status.get("message") or progress.get("message")})
    return moving(_weight(part(found, "spec"), status))


def is_overdue(found: Object, now: datetime) -> bool:
    """Return whether a Rollout made no progress until its deadline and was not aborted; a pause counts as progress."""
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
    metadata, observed = part(found, "metadata"), str(status.get("observedGeneration", ""))
    if not status:
        return False
    wanted = part(metadata, "annotations").get("rollout.argoproj.io/workload-generation", "")
    seen = str(status.get("workloadObservedGeneration", ""))
    if part(found, "spec").get("workloadRef") and wanted and seen and wanted != seen:
        return False
    generation = number(metadata, "generation")
    return not observed.isdigit() or int(observed) >= generation


def _inferred_phase(spec: Object, status: Object) -> str:
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
    weight = part(part(part(status, "canary"), "weights"), "canary").get("weight")
    if isinstance(weight, int):
        return weight
    steps = part(part(spec, "strategy"), "canary").get("steps") or []
    index = status.get("currentStepIndex")
    passed = steps[: index + 1] if isinstance(index, int) else []
    weights = [int(step["setWeight"]) for step in passed if "setWeight" in step]
    return weights[-1] if weights and number(status, "updatedReplicas") else 0


# Reports of the objects that have Slipway's labels.

_WHOLE = 100
_READERS: dict[tuple[str, str], Callable[[Object], Health]] = {
    ("apps", "Deployment"): deployment_health,
    ("argoproj.io", "Rollout"): rollout_health,
    ("serving.knative.dev", "Service"): knative_health,
}


def requested_release(found: Object) -> int:
    """Return the release that a workload's spec requests, 0 without one."""
    return _release((found.get("spec") or {}).get("template") or {})


def newest_release(found: Object) -> int:
    """Return the newest release that was requested of a workload, even if it failed; 0 without one."""
    return _release(found)


def report_of(found: Object) -> WorkloadChanged | None:
    """Return the report of a web process's workload; None while its controller has not seen the spec."""
    group = str(found.get("apiVersion", "")).partition("/")[0]
    reader = _READERS.get((group, str(found.get("kind", ""))))
    if reader is None or _label(found, MANAGED) != MANAGER or _label(found, PROCESS) != WEB:
        return None
    health = reader(found)
    if not health.observed or not requested_release(found):
        return None
    return _report(found, found["spec"]["template"], health)


def job_end(found: Object | None) -> WorkloadChanged | None:
    """Return the end of a release command: failed, or releasing when it succeeded; None while it runs."""
    if not found or _label(found, MANAGED) != MANAGER or _label(found, PROCESS) != RELEASE_PROCESS:
        return None
    health = job_health(found)
    if health.phase not in {WorkloadPhase.FAILED, WorkloadPhase.LIVE} or not annotation(found, RELEASE).isdigit():
        return None
    phase = WorkloadPhase.FAILED if health.phase is WorkloadPhase.FAILED else WorkloadPhase.RELEASING
    return _report(found, found, Health(phase=phase, step="release command", reason=health.reason))


def _report(found: Object, marked: Object, health: Health) -> WorkloadChanged:
    return WorkloadChanged(
        app=_label(found, APP),
        environment=_label(found, ENVIRONMENT),
        push=annotation(marked, PUSH),
        release=int(annotation(marked, RELEASE)),
        phase=health.phase.value,
        weight=_WHOLE if health.phase is WorkloadPhase.LIVE else health.weight,
        step=health.step,
        reason=health.reason,
    )


def _release(marked: Object) -> int:
    number = annotation(marked, RELEASE)
    return int(number) if number.isdigit() else 0


def _label(found: Object, name: str) -> str:
    return str(((found.get("metadata") or {}).get("labels") or {}).get(name, ""))
