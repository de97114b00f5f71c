"""Counts the pods of an environment that are ready."""

from dataclasses import dataclass
from typing import Any

from functions.common.adapters.kubernetes.api import KubernetesApi
from functions.common.adapters.kubernetes.names import APP, ENVIRONMENT, PROCESS, Kind, Runtime, dns_label, place_of
from functions.common.adapters.kubernetes.routes import has_maintenance
from functions.common.adapters.kubernetes.status import condition, part
from functions.common.domain.config import CLUSTER_BYTES
from functions.common.ports.scales import Capacity

MOST = 40  # the quota of an environment has 50 pods, and a new version needs a quarter more


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesProcessCounts:
    """ProcessCounts over pods and their conditions."""

    api: KubernetesApi
    runtime: Runtime

    def capacity(self, app: str) -> Capacity:
        """Return what a cluster runs; see ProcessCounts."""
        is_elastic = self.runtime.kind_of(app) is Kind.KNATIVE
        shows = has_maintenance(self.runtime.kind_of(app), self.runtime)
        return Capacity(
            replicas=self.runtime.replicas,
            most=MOST,
            config_bytes=CLUSTER_BYTES,
            is_elastic=is_elastic,
            has_maintenance=shows,
        )

    def ready(self, app: str, environment: str) -> dict[str, int]:
        """Return the numbers of ready pods; see ProcessCounts. Pods that are ending do not count."""
        place = place_of(app, environment, shared=self.runtime.shared_namespace)
        path = f"/api/v1/namespaces/{place.namespace}/pods"
        counts = dict[str, int]()
        for pod in self.api.items(path, {APP: app, ENVIRONMENT: dns_label(environment)}):
            process = str(pod["metadata"]["labels"].get(PROCESS, ""))
            counts[process] = counts.get(process, 0) + _is_ready(pod)
        return counts


def _is_ready(pod: dict[str, Any]) -> bool:
    is_ending = bool(pod["metadata"].get("deletionTimestamp"))
    return not is_ending and condition(part(pod, "status"), "Ready").get("status") == "True"


class NoDisk:
    """DiskUsage of a cluster, which has no disk of its own."""

    def measure(self) -> None:
        """Return None; see DiskUsage."""
