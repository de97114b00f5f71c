"""One-off commands as Jobs; their output and end are read from their pods."""

import base64
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
    annotation,
    labels_of,
    place_of,
)
from functions.common.adapters.kubernetes.pods import pod_spec
from functions.common.adapters.kubernetes.record import Records, config_name, config_secret
from functions.common.adapters.kubernetes.status import condition, part
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
_LOST, _ENDED = 137, 143  # as if it had been killed, or ended
_GRACE_SECONDS = 10
_WAIT_SECONDS = 120  # in which its pod must start; its own time begins then
_STOPPED = "slipway.dev/stopped"
_INPUT_FOLDER = "/var/run/slipway"
_INPUT_FILE = f"{_INPUT_FOLDER}/input"


def run_job(
    run: Run, workload: Workload, place: Place, runtime: Runtime, *, config: str, has_input: bool = False
) -> tuple[str, Object]:
    """Return path and body of a command's Job. It runs once, and the cluster ends and removes it.

    The pod's own limit keeps the pod, and with it the output; the Job's deletes it.
    """
    name = place.name(f"run-{run.id}")
    labels = {**labels_of(run.app, run.environment, ONE_OFF), RUN: run.id}
    spec = pod_spec(workload, ONE_OFF, place, runtime, config=config)
    container = {**spec["containers"][0], "command": _command(run, workload, has_input=has_input)}
    if has_input:
        container["volumeMounts"] = [{"name": "input", "mountPath": _INPUT_FOLDER, "readOnly": True}]
        spec["volumes"] = [{"name": "input", "secret": {"secretName": name}}]
    limits = {"activeDeadlineSeconds": run.seconds, "terminationGracePeriodSeconds": _GRACE_SECONDS}
    annotations = {RELEASE: str(workload.release), PUSH: ""}
    body: Object = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": place.namespace, "labels": labels, "annotations": annotations},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": run.seconds + _WAIT_SECONDS,
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": {
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": {**spec, **limits, "containers": [container], "restartPolicy": "Never"},
            },
        },
    }
    return f"{place.collection('Job')}/{name}", body


def _command(run: Run, workload: Workload, *, has_input: bool) -> list[str]:
    """Return the command of the container, with its input from a file where it has some.

    `--` keeps the launcher from passing the words through a shell, which would change them.
    """
    if not _is_buildpack(workload):
        return ["/bin/sh", "-c", join(run.command) + (f" < {_INPUT_FILE}" if has_input else "")]
    if not has_input:
        return [_LAUNCHER, "--", *run.command]
    return [_LAUNCHER, "--", "/bin/sh", "-c", f'exec "$@" < {_INPUT_FILE}', "sh", *run.command]


def input_secret(run: Run, place: Place, given: bytes) -> tuple[str, Object]:
    """Return path and body of the Secret with a command's input."""
    name, labels = place.name(f"run-{run.id}"), labels_of(run.app, run.environment, ONE_OFF)
    body: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": place.namespace, "labels": {**labels, RUN: run.id}},
        "data": {"input": base64.b64encode(given).decode()},
    }
    return f"{place.collection('Secret')}/{name}", body


def _is_buildpack(workload: Workload) -> bool:
    """Return whether a buildpack made the image: its launcher sets the paths of languages."""
    return any(command.startswith(_BUILDPACK) for command in workload.processes.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesOneOffRunner:
    """OneOffRunner that applies Jobs."""

    api: KubernetesApi
    runtime: Runtime
    cipher: Cipher

    def start(self, run: Run, release: Release, *, given: bytes | None) -> None:
        """Apply the Job, and the Secret of its input, which goes with it; see OneOffRunner."""
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
        has_input = bool(given)
        secret, contents = input_secret(run, place, given or b"")
        if has_input:
            self.api.apply(secret, contents)
        job = self.api.apply(
            *run_job(run, workload, place, self.runtime, config=of_release.config, has_input=has_input)
        )
        if has_input:
            owner = {"apiVersion": "batch/v1", "kind": "Job", **_identity(job)}
            self.api.merge(secret, {"metadata": {"ownerReferences": [owner]}})

    def stop(self, run: Run) -> None:
        """Let the Job's time be over; see OneOffRunner."""
        place = self._place(run)
        path = f"{place.collection('Job')}/{place.name(f'run-{run.id}')}"
        self.api.merge(path, {"metadata": {"annotations": {_STOPPED: "true"}}, "spec": {"activeDeadlineSeconds": 1}})

    def _place(self, run: Run) -> Place:
        return place_of(run.app, run.environment, shared=self.runtime.shared_namespace)


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesRunConsole:
    """RunConsole over Jobs and their pods. Input while a command runs would need the right to attach to pods."""

    api: KubernetesApi
    shared_namespace: str = ""

    @property
    def is_interactive(self) -> bool:
        """Return that the input must be whole before the start."""
        return False

    def read(self, run: Run, offset: int) -> RunOutput:
        """Return output from an offset on; see RunConsole."""
        place = place_of(run.app, run.environment, shared=self.shared_namespace)
        path = f"/api/v1/namespaces/{place.namespace}/pods"
        pods = self.api.items(path, {APP: run.app, PROCESS: ONE_OFF, RUN: run.id})
        job = self.api.read(f"{place.collection('Job')}/{place.name(f'run-{run.id}')}")
        if not pods:
            exit_code, reason = _job_end(run, job)
            return RunOutput(data=b"", next_offset=offset, exit_code=exit_code, reason=reason)
        pod = pods[-1]
        exit_code, reason = _end(run, pod, job)
        text = self.api.text(f"{path}/{pod['metadata']['name']}/log", {"container": ONE_OFF}) or ""
        data = text.encode()[offset:][:_CHUNK]
        if data:
            return RunOutput(data=data, next_offset=offset + len(data))
        return RunOutput(data=b"", next_offset=offset, exit_code=exit_code, reason=reason)

    def write(self, run: Run, data: bytes, *, eof: bool = False, columns: int = 0, rows: int = 0) -> None:
        """Refuse; see RunConsole."""
        del run, data, eof, columns, rows
        msg = "commands on a cluster read no input while they run"
        raise Rejected(msg)


def _identity(found: Object) -> dict[str, str]:
    return {name: str(found["metadata"][name]) for name in ("name", "uid")}


def _is_stopped(job: Object | None) -> bool:
    return bool(job) and annotation(job or {}, _STOPPED) == "true"


def _over_limit(run: Run) -> str:
    return f"it did not end within {run.seconds} seconds, which is its limit: see --timeout"


def _job_end(run: Run, job: Object | None) -> tuple[int | None, str]:
    """Return how a Job without a pod ended; None while it waits for one."""
    failed = condition(part(job or {}, "status"), "Failed")
    if failed.get("status") != "True":
        return None, ""
    if _is_stopped(job):
        return _ENDED, "it was stopped"
    is_late = failed.get("reason") == "DeadlineExceeded"
    return (_ENDED, _over_limit(run)) if is_late else (_LOST, str(failed.get("message") or "its pod failed"))


def _end(run: Run, pod: dict[str, Any], job: Object | None) -> tuple[int | None, str]:
    """Return exit code and reason of a pod that has ended; None while it runs."""
    code, reason = _pod_end(pod)
    if code is None:
        return None, reason
    if _is_stopped(job) and code:
        return _ENDED, "it was stopped"
    is_late = part(pod, "status").get("reason") == "DeadlineExceeded"
    return (_ENDED, _over_limit(run)) if is_late else (code, reason)


def _pod_end(pod: dict[str, Any]) -> tuple[int | None, str]:
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
