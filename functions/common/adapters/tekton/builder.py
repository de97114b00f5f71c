"""Builder by Tekton: one PipelineRun for each order; Tekton's CloudEvents report its end."""

from dataclasses import dataclass, field

from functions.common.adapters.addresses import GitHosts, pinned
from functions.common.adapters.kubernetes.api import KubernetesApi, Object
from functions.common.adapters.kubernetes.names import ENVIRONMENT, PUSH, labels_of
from functions.common.adapters.tekton.runs import BUILD, PIPELINE, is_build_of, is_deleting, result_of_run
from functions.common.domain.build import BuildOrder, BuildResult, BuildState, check_order
from functions.common.domain.git_url import checked_git_url
from functions.common.errors import Rejected, Unavailable

_VERSION = "tekton.dev/v1"
# A fresh volume belongs to root on most storage. Its group becomes that of the steps in knative/platform/builds.
_VOLUME_ACCESS = {"fsGroup": 1000, "fsGroupChangePolicy": "OnRootMismatch"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Settings of builds; `strategy` is auto, buildpacks or dockerfile, empty images are the Pipeline's defaults."""

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
    hosts: GitHosts

    def start(self, order: BuildOrder) -> None:
        """Start the build; see Builder. The run is created, not applied, because a started run cannot change.

        The name of an ended build is reused for another push, for example after an app was deleted and created again.
        """
        check_order(order)
        run = _run(order, self.pipeline, resolve=self._resolved(order.clone_url))
        if not self.api.create(self._path(), run) and not self._is_ordered(order):
            self._create_again(run, order.name)

    def _resolved(self, clone_url: str) -> str:
        """Return the addresses that the build may fetch from, as git takes them. Raises Rejected, Unavailable."""
        url = checked_git_url(clone_url)
        return pinned(url, self.hosts.addresses_of(url))

    def cancel(self, name: str) -> None:
        """Cancel a build; see Builder. A run that has ended refuses changes, which is not an error."""
        try:
            self.api.merge(self._path(name), {"spec": {"status": "Cancelled"}})
        except Rejected:
            found = self.api.read(self._path(name))
            if found and result_of_run(found).state.value == "running":
                raise

    def observe(self, name: str) -> BuildResult | None:
        """Return the state of a build; see Builder."""
        run = self.api.read(self._path(name))
        return None if run is None else result_of_run(run)

    def _is_ordered(self, order: BuildOrder) -> bool:
        """Return whether the run of the order's name is its build; one that ended for another push is deleted."""
        path = self._path(order.name)
        found = self.api.read(path)
        if found is None or is_build_of(found, order.push):
            return found is not None
        if not is_deleting(found) and result_of_run(found).state is not BuildState.RUNNING:
            # Tekton identifies a run's tasks and pods by name: leftovers of the old run would be the new one's result.
            self.api.delete_foreground(path, uid=str(found["metadata"]["uid"]))
        return False

    def _create_again(self, run: Object, name: str) -> None:
        if not self.api.create(self._path(), run):
            msg = f"an older run of the name {name} is being deleted: try again"
            raise Unavailable(msg)

    def _path(self, name: str = "") -> str:
        return f"/apis/{_VERSION}/namespaces/{self.namespace}/pipelineruns" + (f"/{name}" if name else "")


def _run(order: BuildOrder, pipeline: Pipeline, *, resolve: str) -> Object:
    tag = order.name if order.root else order.sha[:12]  # a commit gives another image in another folder
    parameters = {
        "clone-url": order.clone_url,
        "ref": order.ref,
        "sha": order.sha,
        "resolve": resolve,
        "image": f"{pipeline.registry.rstrip('/')}/{order.app}:{tag}",
        **({"root": order.root} if order.root else {}),
        "strategy": pipeline.strategy,
        "insecure": "true" if pipeline.insecure else "false",
        **{f"{name}-image": image for name, image in pipeline.images.items() if image},
    }
    disk = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": pipeline.storage}}}
    return {
        "apiVersion": _VERSION,
        "kind": "PipelineRun",
        "metadata": _metadata(order),
        "spec": {
            "pipelineRef": {"name": PIPELINE},
            "params": [{"name": name, "value": value} for name, value in parameters.items()],
            "workspaces": [{"name": "source", "volumeClaimTemplate": {"spec": disk}}],
            "taskRunTemplate": {
                "serviceAccountName": pipeline.account,
                "podTemplate": {"securityContext": _VOLUME_ACCESS},
            },
            "timeouts": {"pipeline": pipeline.timeout},
        },
    }


def _metadata(order: BuildOrder) -> Object:
    return {
        "name": order.name,
        "labels": {**labels_of(order.app, order.environment), BUILD: order.name},
        "annotations": {PUSH: order.push, ENVIRONMENT: order.environment},
    }
