"""Reads the objects that events name from the API server: what an event says of an object proves nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from functions.common.adapters.kubernetes.api import KubernetesApi, Object
from functions.common.adapters.kubernetes.names import has_uid_of, is_name, place_of
from functions.common.adapters.kubernetes.status import job_end, part, report_of
from functions.common.events.envelope import Envelope
from functions.common.events.release import WorkloadChanged

_WORKLOADS = {
    ("apps/v1", "Deployment"): "deployments",
    ("argoproj.io/v1alpha1", "Rollout"): "rollouts",
    ("serving.knative.dev/v1", "Service"): "services",
}
_JOBS = {("batch/v1", "Job"): "jobs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesWorkloadReports:
    """WorkloadReports over Deployments, Rollouts, Knative Services and Jobs in the environments' namespaces."""

    api: KubernetesApi
    shared_namespace: str = ""

    def changed(self, envelope: Envelope) -> WorkloadChanged | None:
        """Return the report of a workload or a release command; see WorkloadReports."""
        found = named_object(self.api, envelope, _WORKLOADS | _JOBS)
        if found is None:
            return None
        return self._of_its_place(found, job_end(found) if found.get("kind") == "Job" else report_of(found))

    def prepared(self, envelope: Envelope) -> tuple[str, str, int] | None:
        """Return the release whose release command succeeded; see WorkloadReports."""
        found = named_object(self.api, envelope, _JOBS)
        end = self._of_its_place(found, job_end(found)) if found else None
        return (end.app, end.environment, end.release) if end and end.phase == "releasing" else None

    def _of_its_place(self, found: Object, report: WorkloadChanged | None) -> WorkloadChanged | None:
        """Return the report unless the object is where no workload of its app is: anything may carry our labels."""
        if report is None:
            return None
        place = place_of(report.app, report.environment, shared=self.shared_namespace)
        return report if part(found, "metadata").get("namespace") == place.namespace else None


def named_object(api: KubernetesApi, envelope: Envelope, plurals: Mapping[tuple[str, str], str]) -> Object | None:
    """Return the object that an ApiServerSource event names, as it is now.

    None when it is gone, is another object of its name, or is of none of these kinds (apiVersion and kind to plural).
    """
    given = envelope.data if isinstance(envelope.data, dict) else {}
    version, kind, metadata = given.get("apiVersion"), given.get("kind"), part(given, "metadata")
    namespace, name = metadata.get("namespace"), metadata.get("name")
    if not (isinstance(version, str) and isinstance(kind, str) and is_name(namespace) and is_name(name)):
        return None
    plural = plurals.get((version, kind))
    found = api.read(f"/apis/{version}/namespaces/{namespace}/{plural}/{name}") if plural else None
    return found if found and has_uid_of(metadata, found) else None
