"""The process types beside web: they run the version that is live, and go with the last version that had them.

A version that is given up has changed nothing of them; a worker that a new version has no more does not work on with
the code and the secrets of an old one.
"""

from functions.common.adapters.kubernetes_api import KubernetesApi
from functions.common.adapters.kubernetes_labels import PROCESS, labels_of
from functions.common.adapters.kubernetes_place import Place
from functions.common.adapters.kubernetes_pods import WEB
from functions.common.adapters.kubernetes_record import Record
from functions.common.adapters.kubernetes_runtime import Runtime
from functions.common.adapters.kubernetes_workloads import other_processes


def settle_processes(record: Record, *, api: KubernetesApi, place: Place, runtime: Runtime) -> None:
    """Let the other process types run the record's release, and take away those that it has not; safe to repeat."""
    workload, kept = record.workload, {WEB}
    for path, body in other_processes(workload, place, runtime, config=record.config):
        api.apply(path, body)
        kept.add(body["metadata"]["labels"][PROCESS])
    deployments = place.collection("Deployment")
    for found in api.items(deployments, labels_of(workload.app, workload.environment)):
        if found["metadata"]["labels"].get(PROCESS) not in kept:
            api.delete(f"{deployments}/{found['metadata']['name']}")
