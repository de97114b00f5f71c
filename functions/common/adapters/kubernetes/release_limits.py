"""ReleaseLimits of a cluster.

Deployments, Knative Services and Rollouts enforce their limits themselves, with one exception. Argo Rollouts counts a
version's progress deadline only while no older ReplicaSet has a scale-down deadline, and a failed version keeps its
deadline (argoproj/argo-rollouts#4971, also in 1.9). The controller then waits for the next version without limit.
"""

from dataclasses import dataclass

from functions.common.adapters.kubernetes.api import KubernetesApi
from functions.common.adapters.kubernetes.names import place_of
from functions.common.adapters.kubernetes.pods import WEB
from functions.common.adapters.kubernetes.status import CHECK, is_overdue, report_of
from functions.common.domain.release import WorkloadPhase
from functions.common.events.release import WorkloadChanged
from functions.common.ports.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesReleaseLimits:
    """ReleaseLimits that aborts Rollouts, as `kubectl argo rollouts abort` does."""

    api: KubernetesApi
    clock: Clock
    shared_namespace: str = ""

    def enforce(self, app: str, environment: str) -> WorkloadChanged | None:
        """Abort a Rollout that is past its progress deadline; see ReleaseLimits."""
        path = place_of(app, environment, shared=self.shared_namespace).path("Rollout", WEB)
        found = self.api.read(path)
        if found is None or not is_overdue(found, self.clock.now()):
            return None
        # Only this version: a release that was requested meanwhile has its own time limit.
        version = {"resourceVersion": found["metadata"]["resourceVersion"]}
        if not self.api.merge(f"{path}/status", {"metadata": version, "status": {"abort": True}}):
            return None
        report, limit = report_of(found), found["spec"]["progressDeadlineSeconds"]
        reason = f"no progress for {limit} s: `paas logs` may show why the new version is not ready"
        end = {"phase": WorkloadPhase.FAILED.value, "step": CHECK, "reason": reason}
        return report.model_copy(update=end) if report else None
