"""Logs of builds and apps from their pods, as long as the pods exist."""

import json
import re
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from functions.common.adapters.kubernetes.api import KubernetesApi
from functions.common.adapters.kubernetes.names import APP, ENVIRONMENT, PROCESS, RELEASE, annotation, place_of
from functions.common.adapters.tekton.runs import result_of_run
from functions.common.domain.build import BuildState
from functions.common.errors import NotFound, Rejected
from functions.common.ports.logs import LogChunk, RuntimeLogChunk

_NAME = re.compile(r"^[a-z0-9][a-z0-9-]*\Z")
_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z")
_CHUNK = 256 * 1024
_FIRST_LINES = "200"
_TAIL_LINES = "100"


@dataclass(frozen=True, slots=True, kw_only=True)
class TektonBuildLogs:
    """BuildLogs of PipelineRuns: the logs of the steps, one after another."""

    api: KubernetesApi
    namespace: str

    def read(self, name: str, offset: int) -> LogChunk:
        """Return the log of a build from the offset on; see BuildLogs."""
        run = None
        if _NAME.match(name):
            run = self.api.read(f"/apis/tekton.dev/v1/namespaces/{self.namespace}/pipelineruns/{name}")
        if run is None:
            msg = f"there is no log of a build {name!r}: it has not started yet, or its log was deleted"
            raise NotFound(msg)
        ended = result_of_run(run).state is not BuildState.RUNNING
        data = "".join(self._steps(name)).encode()[max(0, offset) :]
        whole = data[: min(data.rfind(b"\n") + 1, _CHUNK)] if b"\n" in data else b""
        if ended and len(data) <= _CHUNK:
            whole = data
        return LogChunk(
            text=whole.decode(errors="replace"),
            next_offset=max(0, offset) + len(whole),
            ended=ended and len(whole) == len(data),
        )

    def tail(self, name: str) -> str:
        """Return the last lines of the failed step; see BuildLogs."""
        for pod in self._pods(name):
            step = _failed_step(pod)
            if step:
                return self._text(pod, step, tailLines=_TAIL_LINES) or ""
        return ""

    def _steps(self, name: str) -> list[str]:
        """Return the log of each step in order, up to the first that has not started."""
        texts = (
            self._text(pod, container["name"]) for pod in self._pods(name) for container in pod["spec"]["containers"]
        )
        return [text for text in takewhile(lambda text: text is not None, texts) if text]

    def _pods(self, name: str) -> list[dict[str, Any]]:
        """Return the pods of the run's tasks, without its affinity assistant."""
        pods = self.api.items(self._path, {"tekton.dev/pipelineRun": name})
        return sorted((pod for pod in pods if "tekton.dev/taskRun" in pod["metadata"]["labels"]), key=_begin)

    def _text(self, pod: dict[str, Any], container: str, **query: str) -> str | None:
        return self.api.text(f"{self._path}/{pod['metadata']['name']}/log", {"container": container, **query})

    @property
    def _path(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods"


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesRuntimeLogs:
    """RuntimeLogs of an environment's pods; the cursor has the time of each pod's last line."""

    api: KubernetesApi
    shared_namespace: str = ""

    def read(self, app: str, environment: str, cursor: str) -> RuntimeLogChunk:
        """Return what was written since the cursor; see RuntimeLogs."""
        if not _NAME.match(app) or not _NAME.match(environment):
            msg = f"{app}/{environment} is not a valid app and environment"
            raise Rejected(msg)
        seen, lines = _stamps(cursor), list[str]()
        path = f"/api/v1/namespaces/{place_of(app, environment, shared=self.shared_namespace).namespace}/pods"
        now: dict[str, str] = {}
        for pod in sorted(self.api.items(path, {APP: app, ENVIRONMENT: environment}), key=_begin):
            name, process = pod["metadata"]["name"], pod["metadata"]["labels"].get(PROCESS, "web")
            new = self._lines(f"{path}/{name}/log", process, seen.get(name, ""), first=not cursor)
            now[name] = new[-1].partition(" ")[0] if new else seen.get(name, "")
            lines += [f"{annotation(pod, RELEASE)}-{process}: {line.partition(' ')[2]}\n" for line in new]
        kept = {name: stamp for name, stamp in now.items() if stamp}
        return RuntimeLogChunk(text="".join(lines), cursor=json.dumps(kept, separators=(",", ":")))

    def _lines(self, path: str, container: str, since: str, *, first: bool) -> list[str]:
        """Return whole lines with their times; the API filters by whole seconds, so older lines are dropped here."""
        query = {"container": container, "timestamps": "true", "limitBytes": str(_CHUNK)}
        if since:
            query["sinceTime"] = f"{since.partition('.')[0].removesuffix('Z')}Z"
        elif first:
            query["tailLines"] = _FIRST_LINES
        text = self.api.text(path, query) or ""
        lines = text[: text.rfind("\n") + 1].splitlines()
        return [line for line in lines if line.partition(" ")[0] > since]


def _begin(pod: dict[str, Any]) -> tuple[str, str]:
    metadata = pod["metadata"]
    return str(metadata.get("creationTimestamp", "")), str(metadata["name"])


def _failed_step(pod: dict[str, Any]) -> str:
    """Return the first failed container; Tekton skips the later ones, and they count as failed too."""
    ends = {
        one["name"]: ((one.get("state") or {}).get("terminated") or {}).get("exitCode", 0)
        for one in (pod.get("status") or {}).get("containerStatuses") or []
    }
    return next((one["name"] for one in pod["spec"]["containers"] if ends.get(one["name"])), "")


def _stamps(cursor: str) -> dict[str, str]:
    try:
        found = json.loads(cursor or "{}")
        stamps = {str(name): str(stamp) for name, stamp in found.items()}
    except (ValueError, AttributeError, RecursionError):
        stamps = {"": "unreadable"}
    if not all(_STAMP.match(stamp) for stamp in stamps.values()):
        msg = "the cursor cannot be read: send the cursor of the previous answer, or none to start again"
        raise Rejected(msg)
    return stamps
