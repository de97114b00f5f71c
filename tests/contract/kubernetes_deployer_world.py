"""The deployer of a cluster on a bare API server; the test acts as the controllers."""

from collections.abc import Callable

from functions.common.adapters.encryption import FernetCipher
from functions.common.adapters.kubernetes.api import KubernetesApi, Object
from functions.common.adapters.kubernetes.deployer import KubernetesDeployer
from functions.common.adapters.kubernetes.names import OWNED, OWNED_LAST, Kind, Runtime, place_of
from functions.common.domain.release import Workload
from tests.fakes.removals import FakeRemovals

APP = "hello"
NAMESPACE = f"app-{APP}"
EndNamespace = Callable[[KubernetesApi, str], None]
_PATHS = {Kind.DEPLOYMENT: "Deployment", Kind.ROLLOUT: "Rollout", Kind.KNATIVE: "KnativeService"}


def a_workload(release: int, **changes: object) -> Workload:
    """Return a workload of an app's production."""
    fields: dict[str, object] = {
        "app": APP,
        "environment": "production",
        "label": "hello",
        "hosts": ("hello.example.org", "www.hello.example.com"),
        "release": release,
        "push": f"push-{release}",
        "sha": "a" * 40,
        "digest": "sha256:" + f"{release:064x}",
        "image": "registry.example.org/hello",
        "processes": {"web": "python app.py", "worker": "python work.py"},
        "config": {"SECRET_KEY": "s3cret", "EMPTY": ""},
    }
    return Workload(**{**fields, **changes})  # type: ignore[arg-type] # fields of different types


class KubernetesDeployerWorld:
    """DeployerWorld over an API server."""

    def __init__(
        self,
        api: KubernetesApi,
        kind: Kind,
        *,
        app: str = APP,
        shared: str = "",
        health_limit: int = 120,
        end_namespace: EndNamespace | None = None,
    ) -> None:
        self.api, self.kind, self.app, self.shared = api, kind, app, shared
        runtime = Runtime(
            shared_namespace=shared,
            kind=kind,
            default_domain="example.org",
            gateway="edge/web",
            health_limit=health_limit,
        )
        self.deployer = KubernetesDeployer(api=api, runtime=runtime, removals=FakeRemovals(), cipher=FernetCipher())
        self._end_namespace = end_namespace
        self.place = place_of(app, "production", shared=shared)

    @property
    def web(self) -> str:
        """Return the path of the web workload."""
        return self.place.path(_PATHS[self.kind], "web")

    def workload(self, release: int, **changes: object) -> Workload:
        """Return a healthy workload."""
        return a_workload(release, app=self.app, **changes)

    def converge(self) -> None:
        """Act as the controllers: finish deletions, and report the web workload as healthy."""
        namespace = self.api.read(f"/api/v1/namespaces/{self.place.namespace}")
        if namespace is None or namespace["metadata"].get("deletionTimestamp"):
            for kind in (*OWNED, *OWNED_LAST):
                self.api.delete(self.place.collection(kind), {"slipway.dev/app": self.app})
            if namespace and self._end_namespace:
                self._end_namespace(self.api, self.place.namespace)
            return
        found = self.api.read(self.web)
        if found:
            self.says(_healthy(self.kind, found))

    def says(self, status: Object) -> None:
        """Write the web workload's status as its controller would."""
        assert self.api.merge(f"{self.web}/status", {"status": status})

    def job_says(self, release: int, condition: str) -> None:
        """End the Job of a release command with this condition."""
        path = self.place.path("Job", f"release-{release}")
        start, end = "2026-01-02T03:04:05Z", "2026-01-02T03:04:06Z"
        before = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}[condition]
        conditions = [
            {"type": one, "status": "True", "reason": "BackoffLimitExceeded", "message": "it has reached its limit"}
            for one in (before, condition)
        ]
        status: Object = {"conditions": conditions, "startTime": start}
        if condition == "Complete":
            status |= {"completionTime": end, "succeeded": 1}
        assert self.api.merge(f"{path}/status", {"status": status})


def _healthy(kind: Kind, found: Object) -> Object:
    generation = found["metadata"]["generation"]
    if kind is Kind.ROLLOUT:
        return {"observedGeneration": str(generation), "phase": "Healthy", "currentPodHash": "a", "stableRS": "a"}
    if kind is Kind.KNATIVE:
        ready = {"type": "Ready", "status": "True"}
        names = {"latestCreatedRevisionName": "web-00001", "latestReadyRevisionName": "web-00001"}
        return {"observedGeneration": generation, "conditions": [ready], **names}
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 2)
    return {"observedGeneration": generation, **counts}
