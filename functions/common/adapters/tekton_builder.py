"""Builder by Tekton: one PipelineRun for each order; Tekton's CloudEvents tell how it ended."""

from dataclasses import dataclass, field

from functions.common.adapters.build_orders import check_order
from functions.common.adapters.kubernetes_api import KubernetesApi, Object
from functions.common.adapters.kubernetes_labels import ENVIRONMENT, PUSH, labels_of
from functions.common.adapters.tekton_runs import BUILD, result_of_run
from functions.common.domain.build import BuildOrder, BuildResult
from functions.common.errors import Rejected

PIPELINE = "slipway-build"
_VERSION = "tekton.dev/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """How builds run: `strategy` is auto, buildpacks or dockerfile; images left empty are the Pipeline's own."""

    registry: str
    insecure: bool = False
    strategy: str = "auto"
    images: dict[str, str] = field(default_factory=dict)
    storage: str = "2Gi"
    timeout: str = "30m"
    account: str = "slipway-build"


@dataclass(frozen=True, slots=True, kw_only=True)
class TektonBuilder:
    """Builder over the PipelineRuns of one namespace."""

    api: KubernetesApi
    namespace: str
    pipeline: Pipeline

    def start(self, order: BuildOrder) -> None:
        """Order the build; see Builder. Created, not applied: a run may not change once it was started."""
        check_order(order)
        self.api.create(self._path(), _run(order, self.pipeline))

    def cancel(self, name: str) -> None:
        """Ask for the end of a build; see Builder. A run that has ended refuses changes, and that is well."""
        try:
            self.api.merge(self._path(name), {"spec": {"status": "Cancelled"}})
        except Rejected:
            found = self.api.read(self._path(name))
            if found and result_of_run(found).state.value == "running":
                raise

    def observe(self, name: str) -> BuildResult | None:
        """Return what is known of a build; see Builder."""
        run = self.api.read(self._path(name))
        return None if run is None else result_of_run(run)

    def _path(self, name: str = "") -> str:
        return f"/apis/{_VERSION}/namespaces/{self.namespace}/pipelineruns" + (f"/{name}" if name else "")


def _run(order: BuildOrder, pipeline: Pipeline) -> Object:
    parameters = {
        "clone-url": order.clone_url,
        "ref": order.ref,
        "sha": order.sha,
        "image": f"{pipeline.registry.rstrip('/')}/{order.app}:{order.sha[:12]}",
        "strategy": pipeline.strategy,
        "insecure": "true" if pipeline.insecure else "false",
        **{f"{name}-image": image for name, image in pipeline.images.items() if image},
    }
    disk = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": pipeline.storage}}}
    return {
        "apiVersion": _VERSION,
        "kind": "PipelineRun",
        "metadata": {
            "name": order.name,
            "labels": {**labels_of(order.app, order.environment), BUILD: order.name},
            "annotations": {PUSH: order.push, ENVIRONMENT: order.environment},
        },
        "spec": {
            "pipelineRef": {"name": PIPELINE},
            "params": [{"name": name, "value": value} for name, value in parameters.items()],
            "workspaces": [{"name": "source", "volumeClaimTemplate": {"spec": disk}}],
            "taskRunTemplate": {"serviceAccountName": pipeline.account},
            "timeouts": {"pipeline": pipeline.timeout},
        },
    }
