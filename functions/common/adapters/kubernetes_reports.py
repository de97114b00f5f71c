"""What a Deployment, Rollout, Knative Service or Job of ours says about its release; no input or output here."""

from collections.abc import Callable, Mapping
from typing import Any

from functions.common.adapters.kubernetes_health import Health, deployment_health, job_health, knative_health
from functions.common.adapters.kubernetes_labels import (
    APP,
    ENVIRONMENT,
    MANAGED,
    MANAGER,
    PROCESS,
    PUSH,
    RELEASE,
    annotation,
)
from functions.common.adapters.kubernetes_pods import RELEASE_PROCESS, WEB
from functions.common.adapters.kubernetes_rollout_health import rollout_health
from functions.common.domain.release import WorkloadPhase
from functions.common.events.envelope import Envelope
from functions.common.events.release import WorkloadChanged

Object = Mapping[str, Any]
_WHOLE = 100
_READERS: dict[tuple[str, str], Callable[[Object], Health]] = {
    ("apps", "Deployment"): deployment_health,
    ("argoproj.io", "Rollout"): rollout_health,
    ("serving.knative.dev", "Service"): knative_health,
}


def workload_changed(envelope: Envelope) -> WorkloadChanged | None:
    """Return what an ApiServerSource event tells of a release; None for objects that are not ours, or say nothing."""
    found = envelope.data if isinstance(envelope.data, dict) else {}
    return job_end(found) if found.get("kind") == "Job" else report_of(found)


def prepared_release(envelope: Envelope) -> tuple[str, str, int] | None:
    """Return app, environment and number of the release whose release command succeeded, else None."""
    found = envelope.data if isinstance(envelope.data, dict) else {}
    end = job_end(found) if found.get("kind") == "Job" else None
    return (end.app, end.environment, end.release) if end and end.phase == "releasing" else None


def asked_release(found: Object) -> int:
    """Return the release that a workload's spec asks for, 0 when it names none."""
    return _release((found.get("spec") or {}).get("template") or {})


def newest_release(found: Object) -> int:
    """Return the newest release that a workload was asked for, which may have been given up; 0 when it names none."""
    return _release(found)


def report_of(found: Object) -> WorkloadChanged | None:
    """Return the report of what runs a web process; None while its controller has not looked at it."""
    group = str(found.get("apiVersion", "")).partition("/")[0]
    reader = _READERS.get((group, str(found.get("kind", ""))))
    if reader is None or _label(found, MANAGED) != MANAGER or _label(found, PROCESS) != WEB:
        return None
    health = reader(found)
    if not health.observed or not asked_release(found):
        return None
    return _report(found, found["spec"]["template"], health)


def job_end(found: Object | None) -> WorkloadChanged | None:
    """Return the end of a release command: failed, or releasing with the step done; None while it runs."""
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
