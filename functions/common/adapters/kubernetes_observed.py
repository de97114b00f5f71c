"""How far the newest release of an environment is, read from the cluster when no event told of it."""

from functions.common.adapters.kubernetes_api import KubernetesApi
from functions.common.adapters.kubernetes_place import Place
from functions.common.adapters.kubernetes_record import Record
from functions.common.adapters.kubernetes_reports import asked_release, job_end, report_of
from functions.common.adapters.kubernetes_workloads import web_path
from functions.common.events.release import WorkloadChanged


def observed(record: Record, *, api: KubernetesApi, place: Place) -> WorkloadChanged | None:
    """Return the latest report, None when there is none; see KubernetesDeployer.observe."""
    workload = record.workload
    begun = WorkloadChanged(
        app=workload.app,
        environment=workload.environment,
        push=workload.push,
        release=record.release,
        phase="releasing",
    )
    if not record.prepared:
        job = api.read(place.path("Job", f"release-{record.release}"))
        end = job_end(job)
        return begun if job and end is None else end if end and end.phase == "failed" else None
    found = api.read(web_path(record.kind, place))
    if not found or found["metadata"].get("deletionTimestamp"):
        return None
    return report_of(found) or (begun if asked_release(found) == record.release else None)
