"""Back from a version that was given up to the one that is live.

Kubernetes and Knative go on trying a version that missed its deadline: made well an hour later it would take the
traffic, though its push was told to have failed.
"""

from dataclasses import replace

from functions.common.adapters.kubernetes_api import KubernetesApi
from functions.common.adapters.kubernetes_labels import RELEASE
from functions.common.adapters.kubernetes_place import Place
from functions.common.adapters.kubernetes_record import Record, config_name, config_secret
from functions.common.adapters.kubernetes_reports import asked_release
from functions.common.adapters.kubernetes_runtime import Runtime
from functions.common.adapters.kubernetes_workloads import web_workload
from functions.common.domain.release import Release


def restore_web(live: Release, record: Record, *, api: KubernetesApi, place: Place, runtime: Runtime) -> None:
    """Let web be the live release again, unless it is asked for something else than the record's by now.

    Raises Unavailable when somebody changes it at the same time: then it is to be looked at anew.
    """
    workload = replace(
        record.workload,
        release=live.number,
        push=live.push,
        sha=live.sha,
        digest=live.digest,
        image=live.image,
        processes=live.processes,
        config=live.config,
    )
    before = replace(record, workload=workload, config=place.name(config_name(live.number)))
    path, body = web_workload(workload, record.kind, place, runtime, config=before.config)
    found = api.read(path)
    if found and asked_release(found) == record.release:
        api.apply(f"{place.collection('Secret')}/{before.config}", config_secret(before, place))
        # Who removes it needs the newest number; which version runs is told by the pods' own.
        body["metadata"]["annotations"][RELEASE] = str(record.release)
        body["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"]
        api.apply(path, body)
