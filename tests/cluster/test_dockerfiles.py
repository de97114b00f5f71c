"""The Task slipway-dockerfile as Tekton runs it: commands of a Dockerfile, and a node that refuses them."""

import json
import re
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.kit.build_images import DEBIAN, RUN
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.node import REGISTRY
from tests.conftest import ROOT
from tests.patience import patient

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
TASK = ROOT / "knative" / "platform" / "builds" / "dockerfile.yaml"
GUIDE = ROOT / "docs" / "operate.md"
# Other users, other owners and another stage: what needs the capabilities that the step has.
DOCKERFILE = f"""
FROM {REGISTRY}/{RUN} AS made
USER 0:0
RUN install -o 1001 -g 1000 -d /made && chown 65532:65532 "$(mktemp)"
USER 1001:1000
RUN test -O /made && id -u > /made/user
FROM {REGISTRY}/{RUN}
COPY --from=made /made /made
RUN test "$(cat /made/user)" = 1001
"""
CONFINED = {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Builds:
    """The Task alone in a namespace of its own, where Slipway does not look."""

    kubectl: Kubectl
    namespace: str

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Apply the manifests here."""
        self.kubectl.apply({**one, "metadata": {**one["metadata"], "namespace": self.namespace}} for one in manifests)

    def run(self, pod: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """Build DOCKERFILE in a pod of this template; return the ended TaskRun's status and its log."""
        name = f"dock-{uuid.uuid4().hex[:8]}"
        parameters = {
            "image": f"{REGISTRY}/tests/{name}:1",
            "insecure": "true",
            "buildah-image": f"{REGISTRY}/{DEBIAN}",
        }
        source = {
            "name": "source",
            "configMap": {"name": "source", "items": [{"key": "file", "path": "src/Dockerfile"}]},
        }
        spec = {
            "taskRef": {"name": "slipway-dockerfile"},
            "params": [{"name": key, "value": value} for key, value in parameters.items()],
            "workspaces": [source],
            "podTemplate": pod,
        }
        self.apply({"apiVersion": "tekton.dev/v1", "kind": "TaskRun", "metadata": {"name": name}, "spec": spec})
        here, run = ("-n", self.namespace), f"taskrun/{name}"
        self.kubectl("wait", *here, run, "--for=jsonpath={.status.completionTime}", f"--timeout={patient(120):.0f}s")
        status: dict[str, Any] = json.loads(self.kubectl("get", *here, run, "-o", "jsonpath={.status}"))
        return status, self.kubectl("logs", *here, status["podName"], "-c", "step-build")


@pytest.fixture(scope="module")
def builds(kubectl: Kubectl) -> Iterator[Builds]:
    """Yield a namespace with the Task and a source in it."""
    made = Builds(kubectl=kubectl, namespace=f"builds-{uuid.uuid4().hex[:6]}")
    kubectl("create", "namespace", made.namespace)
    source = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "source"}, "data": {"file": DOCKERFILE}}
    made.apply(source, yaml.safe_load(TASK.read_text()))
    yield made
    kubectl("delete", "namespace", made.namespace, "--wait=false")


def patch_as_the_guide_says(builds: Builds, folder: Path) -> None:
    (patch,) = re.findall(r"- (\{op: add, path: /spec/steps/0/securityContext.*\})", GUIDE.read_text())
    target = {"kind": "Task", "name": "slipway-dockerfile"}
    patches = [{"target": target, "patch": yaml.safe_dump([yaml.safe_load(patch)])}]
    shutil.copy(TASK, folder)
    (folder / "kustomization.yaml").write_text(yaml.safe_dump({"resources": [TASK.name], "patches": patches}))
    builds.apply(yaml.safe_load(builds.kubectl("kustomize", str(folder))))


def test_commands_of_a_dockerfile_run_as_the_users_that_it_names(builds: Builds) -> None:
    status, log = builds.run({})
    assert status["conditions"][0]["status"] == "True", log
    results = {one["name"]: one["value"] for one in status["results"]}
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", results["IMAGE_DIGEST"])


def test_a_node_that_refuses_user_namespaces_is_named_with_the_remedy_and_the_remedy_works(
    builds: Builds, tmp_path: Path
) -> None:
    status, log = builds.run(CONFINED)
    assert status["conditions"][0]["status"] == "False"
    assert "CLONE_NEWUSER" in log
    assert "docs/operate.md" in log

    patch_as_the_guide_says(builds, tmp_path)

    status, log = builds.run(CONFINED)
    assert status["conditions"][0]["status"] == "True", log
