"""One-off commands as Jobs; their output and end are read from their pods."""

import json
from dataclasses import dataclass, replace
from shlex import join
from typing import Any

from functions.common.adapters.kubernetes.api import KubernetesApi, Object
from functions.common.adapters.kubernetes.names import (
    APP,
    PROCESS,
    PUSH,
    RELEASE,
    Place,
    Runtime,
    labels_of,
    place_of,
)
from functions.common.adapters.kubernetes.pods import pod_spec
from functions.common.adapters.kubernetes.record import Records, config_name, config_secret
from functions.common.adapters.kubernetes.status import part
from functions.common.domain.release import Release, Workload
from functions.common.errors import Rejected
from functions.common.ports.apps import Cipher
from functions.common.ports.runs import Run, RunOutput

ONE_OFF = "one-off"
RUN = "slipway.dev/run"
KEPT_SECONDS = 600  # after its end, so that its output can be read
_BUILDPACK = "/cnb/process/"
_LAUNCHER = "/cnb/lifecycle/launcher"
_CHUNK = 256 * 1024
_LOST = 137  # as if it had been killed


def run_job(run: Run, workload: Workload, place: Place, runtime: Runtime, *, config: str) -> tuple[str, Object]:
    """Return path and body of a command's Job. It runs once, and the cluster ends and removes it."""
    name = place.name(f"run-{run.id}")
    labels = {**labels_of(run.app, run.environment, ONE_OFF), RUN: run.id}
    spec = pod_spec(workload, ONE_OFF, place, runtime, config=config)
    command = [_LAUNCHER, *run.command] if _is_buildpack(workload) else ["/bin/sh", "-c", join(run.command)]
    container = {**spec["containers"][0], "command": command}
    annotations = {RELEASE: str(workload.release), PUSH: ""}
    body: Object = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": place.namespace, "labels": labels, "annotations": annotations},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": run.seconds,
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": {
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": {**spec, "containers": [container], "restartPolicy": "Never"},
            },
        },
    }
    return f"{place.collection('Job')}/{name}", body


def _is_buildpack(workload: Workload) -> bool:
    """Return whether a buildpack made the image: its launcher sets the paths of languages."""
    return any(command.startswith(_BUILDPACK) for command in workload.processes.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesOneOffRunner:
    """OneOffRunner that applies Jobs."""

    api: KubernetesApi
    runtime: Runtime
    cipher: Cipher

    def start(self, run: Run, release: Release) -> None:
        """Apply the Job; see OneOffRunner."""
        place, records = self._place(run), Records(api=self.api)
        record = records.read(place)
        if record is None or record.leaving:
            msg = f"nothing runs in {run.app}/{run.environment}: deploy it first"
            raise Rejected(msg)
        workload = replace(
            record.workload,
            release=release.number,
            sha=release.sha,
            digest=release.digest,
            image=release.image,
            processes=release.processes,
            config=release.config,
        )
        of_release = replace(record, workload=workload, config=place.name(config_name(release.number)))
        self.api.apply(
            f"{place.collection('Secret')}/{of_release.config}", config_secret(of_release, place, self.cipher)
        )
        path, body = run_job(run, workload, place, self.runtime, config=of_release.config)
        self.api.apply(path, body)

    def stop(self, run: Run) -> None:
        """Let the Job's time be over; see OneOffRunner."""
        place = self._place(run)
        path = f"{place.collection('Job')}/{place.name(f'run-{run.id}')}"
        self.api.merge(path, {"spec": {"activeDeadlineSeconds": 1}})

    def _place(self, run: Run) -> Place:
        return place_of(run.app, run.environment, shared=self.runtime.shared_namespace)


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesRunConsole:
    """RunConsole over the pods of Jobs. Input would need the right to execute commands in pods, so there is none."""

    api: KubernetesApi
    shared_namespace: str = ""

    @property
    def is_interactive(self) -> bool:
        """Return that runs read no input."""
        return False

    def read(self, run: Run, offset: int) -> RunOutput:
        """Return output from an offset on; see RunConsole."""
        place = place_of(run.app, run.environment, shared=self.shared_namespace)
        path = f"/api/v1/namespaces/{place.namespace}/pods"
        pods = self.api.items(path, {APP: run.app, PROCESS: ONE_OFF, RUN: run.id})
        if not pods:
            return RunOutput(data=b"", next_offset=offset)
        pod = pods[-1]
        exit_code, reason = _end(pod)
        text = self.api.text(f"{path}/{pod['metadata']['name']}/log", {"container": ONE_OFF}) or ""
        data = text.encode()[offset:][:_CHUNK]
        if data:
            return RunOutput(data=data, next_offset=offset + len(data))
        return RunOutput(data=b"", next_offset=offset, exit_code=exit_code, reason=reason)

    def write(self, run: Run, data: bytes, *, eof: bool = False, columns: int = 0, rows: int = 0) -> None:
        """Refuse; see RunConsole."""
        del run, data, eof, columns, rows
        msg = "commands on a cluster read no input: give it in arguments or in a file of the repository"
        raise Rejected(msg)


def _end(pod: dict[str, Any]) -> tuple[int | None, str]:
    """Return exit code and reason of a pod that has ended; None while it runs."""
    status = part(pod, "status")
    for container in status.get("containerStatuses") or []:
        ended = (container.get("state") or {}).get("terminated")
        if ended:
            reason = str(ended.get("reason") or "")
            is_plain = reason in {"Completed", "Error", ""}
            return int(ended.get("exitCode", _LOST)), "" if is_plain else reason
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in {"ErrImagePull", "ImagePullBackOff", "CreateContainerConfigError"}:
            return None, json.dumps(waiting.get("reason"))
    if status.get("phase") == "Failed":
        return _LOST, str(status.get("message") or status.get("reason") or "its pod failed")
    return None, ""
