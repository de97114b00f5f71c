"""What the guide says of Kubernetes' objects, looked at by kubectl."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.cluster.kit.install import BUILDS
from tests.cluster.kit.kubectl import Kubectl
from tests.local.waiting import until


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The objects of one app in production."""

    kubectl: Kubectl
    app: str

    @property
    def namespace(self) -> str:
        """The namespace of production."""
        return f"app-{self.app}"

    def surroundings(self) -> str:
        """Return the namespace, NetworkPolicy and Services of the app."""
        self.kubectl("get", "namespace", self.namespace)
        found = self.kubectl("get", "networkpolicy,service", "-n", self.namespace, "-o", "name").split()
        kinds = {name.partition("/")[0].partition(".")[0] for name in found}
        assert kinds == {"networkpolicy", "service"}, found
        return f"namespace/{self.namespace} {' '.join(found)}"

    def certificate(self, url: str) -> str:
        """Return the names of the certificate that covers the app's host; it must be ready."""
        host = urlsplit(url).hostname or ""
        wildcard = f"*.{host.partition('.')[2]}"
        ready = [
            one["metadata"]["name"]
            for one in self._items("certificates", "slipway-edge")
            if {host, wildcard} & set(one["spec"]["dnsNames"]) and _condition(one, "Ready") == "True"
        ]
        assert ready, f"no certificate of slipway-edge is ready for {host}"
        return f"certificate/{ready[0]} is ready"

    def pipeline_run(self, sha: str, digest: str) -> str:
        """Return the PipelineRun of a commit: it must have run the buildpacks and pushed the image with this digest."""
        (run, *_) = [one for one in self._items("pipelineruns", BUILDS) if sha[:12] in one["metadata"]["name"]]
        assert _condition(run, "Succeeded") == "True", run["status"]
        tasks = self._items("taskruns", BUILDS, "-l", f"tekton.dev/pipelineRun={run['metadata']['name']}")
        steps = [step["name"] for task in tasks for step in task["status"].get("steps", [])]
        assert any("buildpacks" in json.dumps(task["spec"]) for task in tasks), steps
        assert digest in json.dumps(run["status"]), (digest, run["status"])
        return f"{run['metadata']['name']}: {' '.join(steps)}"

    def image(self, digest: str) -> str:
        """Return the image of the web process's first container, which must have this digest."""
        (rollout,) = self._items("rollouts", self.namespace)
        image: str = rollout["spec"]["template"]["spec"]["containers"][0]["image"]
        assert image.endswith(f"@{digest}"), (image, digest)
        return image

    def watched_runs(self, push: Callable[[], str]) -> str:
        """Watch PipelineRuns during a push, and return the line that shows the commit's."""
        with self.kubectl.begin("get", "pipelinerun", "-n", BUILDS, "-w", "--request-timeout=120s") as watch:
            try:
                sha = push()
                return until(lambda: _line_with(watch, sha[:12]), seconds=60, why=f"the run of {sha[:12]}")
            finally:
                watch.terminate()

    def _items(self, kind: str, namespace: str, *words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", kind, "-n", namespace, "-o", "json", *words))[
            "items"
        ]
        return found


def _line_with(watch: "subprocess.Popen[str]", text: str) -> str:
    """Return the next line of the watch when it has the text, else an empty one."""
    assert watch.stdout
    line = watch.stdout.readline()
    return line if text in line else ""


def _condition(found: dict[str, Any], kind: str) -> str:
    conditions = found.get("status", {}).get("conditions", [])
    return next((str(one["status"]) for one in conditions if one["type"] == kind), "")
