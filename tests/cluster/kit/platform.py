"""The manifests of the platform, with this cluster's images and settings."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import yaml

from tests.cluster.kit.build import binaries
from tests.cluster.kit.cache import HERE
from tests.cluster.kit.images import reference
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.manifests import Manifest, crds, documents, module_folder, sources
from tests.cluster.kit.steps import step
from tests.patience import patient

BUILT = re.compile(r"ko://([\w./-]+)")
LEFT_OUT = {"HorizontalPodAutoscaler", "PodDisruptionBudget"}  # one node, one pod each, and no metrics server
PATIENT = {"timeoutSeconds": 10, "failureThreshold": 10}
WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet"}


def platform() -> Iterator[tuple[str, list[Manifest]]]:
    """Yield the name and the manifests of each component, in the order of manifests.toml."""
    replaced: dict[str, str] = tomllib.loads((HERE / "images.toml").read_text())["replaced"]
    images = {binary.package: reference(binary.name) for binary in binaries()}
    overrides = {_key(manifest): manifest for manifest in documents(HERE / "config", ["overrides.yaml"])}
    for source in sources("platform"):
        found = [_namespace(source["namespace"])] if "namespace" in source else []
        for manifest in documents(module_folder(source["module"], source["path"]), source["files"]):
            if manifest["kind"] in LEFT_OUT or manifest["kind"] == "CustomResourceDefinition":
                continue
            ready = with_images(manifest, images, replaced)
            if ready is not None:
                placed = _placed(ready, source.get("namespace"))
                found.append(_light(merged(placed, overrides.get(_key(placed), {}))))
        yield source["of"], found


def install_platform(kubectl: Kubectl) -> None:
    """Apply every CRD and every component."""
    with step("applying the CRDs"):
        kubectl.apply(crds())
        kubectl("wait", "--for=condition=Established", "crd", "--all", f"--timeout={patient(60):.0f}s")
    for name, manifests in platform():
        with step(f"applying {name}"):
            kubectl.apply(manifests)
    with step("applying what the releases add"):
        kubectl.apply(documents(HERE / "config", ["additions.yaml"]))


def await_deployments(kubectl: Kubectl) -> None:
    """Wait until the platform runs; functions and apps on it may rest at zero."""
    platforms = "!serving.knative.dev/service,app.kubernetes.io/managed-by!=slipway"
    with step("waiting for every deployment"):
        kubectl(
            "wait", "--for=condition=Available", "deployment", "-l", platforms, "-A", f"--timeout={patient(300):.0f}s"
        )


def with_images(manifest: Manifest, images: dict[str, str], replaced: dict[str, str]) -> Manifest | None:
    """Put our images in place of a release's; return None for a workload that is not built here."""
    text = yaml.safe_dump(manifest)
    for foreign, name in replaced.items():
        text = re.sub(re.escape(foreign) + r"[\w./:@-]*", reference(name), text)
    unknown = {package for package in BUILT.findall(text) if package not in images}
    if unknown and manifest["kind"] in WORKLOADS:
        containers = manifest["spec"]["template"]["spec"]["containers"]
        if any(container["image"].removeprefix("ko://") in unknown for container in containers):
            return None
    text = BUILT.sub(lambda match: images.get(match[1], "slipway.test/not-built:1"), text)
    changed: Manifest = yaml.safe_load(text)
    return changed


def merged(manifest: Any, change: Any) -> Any:  # noqa: ANN401 - any part of a manifest
    """Return the manifest with the change applied: mappings are merged, everything else is replaced."""
    if not isinstance(manifest, dict) or not isinstance(change, dict):
        return change
    return {**manifest, **{key: merged(manifest.get(key), value) for key, value in change.items()}}


def _light(manifest: Manifest) -> Manifest:
    """Make it fit a small node: small requests, and a liveness probe that allows for slow answers.

    Knative's webhooks are killed after three slow answers and take five minutes to end, in which nothing can be
    applied.
    """
    if manifest["kind"] in WORKLOADS:
        for container in manifest["spec"]["template"]["spec"]["containers"]:
            container["resources"] = {"requests": {"cpu": "5m", "memory": "20Mi"}}
            container["imagePullPolicy"] = "IfNotPresent"
            if "livenessProbe" in container:
                container["livenessProbe"] |= PATIENT
    return manifest


def _namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _placed(manifest: Manifest, namespace: str | None) -> Manifest:
    """Put the manifest and the subjects of bindings into the namespace."""
    if namespace is None:
        return manifest
    if not manifest["kind"].startswith("Cluster"):
        manifest["metadata"]["namespace"] = namespace
    for subject in manifest.get("subjects", []):
        subject["namespace"] = namespace
    return manifest


def _key(manifest: Manifest) -> tuple[str, str, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace", ""), metadata["name"]
