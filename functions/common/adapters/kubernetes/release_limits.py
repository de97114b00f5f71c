"""ReleaseLimits of a cluster: Deployments, Knative Services and Rollouts keep them by themselves, but for one case.

Argo Rollouts counts a version's progress deadline only while no older ReplicaSet carries a scale-down deadline, and it
leaves there that of a version that failed (argoproj/argo-rollouts#4971, 1.9 too). The next version that does not become
ready is then waited for without end, and the controller goes round in circles meanwhile.
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
        # This version of it alone: a release that was asked for meanwhile has a time of its own.
        version = {"resourceVersion": found["metadata"]["resourceVersion"]}
        if not self.api.merge(f"{path}/status", {"metadata": version, "status": {"abort": True}}):
            return None
        report, limit = report_of(found), found["spec"]["progressDeadlineSeconds"]
        reason = f"no progress for {limit} s: `paas logs` may tell why the new version is not ready"
        end = {"phase": WorkloadPhase.FAILED.value, "step": CHECK, "reason": reason}
        return report.model_copy(update=end) if report else None
