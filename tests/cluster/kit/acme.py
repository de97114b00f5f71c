"""cert-manager with pebble, and Traefik whose wildcard certificate comes from there."""

import base64
from pathlib import Path

import yaml

from tests.cluster.kit.cache import HERE, Instance
from tests.cluster.kit.certificates import Identity, issue
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.steps import step
from tests.patience import patient

HOST = "pebble.acme.svc.cluster.local"
ROOT = "/api/v1/namespaces/acme/services/https:pebble:15000/proxy/roots/0"


def install_acme(kubectl: Kubectl, instance: Instance) -> None:
    """Apply both; certificates are issued once everything runs."""
    folder = instance.certificates
    if not (folder / "pebble.crt").exists():
        issue(folder, Identity(file="pebble", name=HOST, hosts=(HOST,)))
    text = (HERE / "config" / "acme.yaml").read_text()
    for word, file in (("@PEBBLE_CRT@", "pebble.crt"), ("@PEBBLE_KEY@", "pebble.key"), ("@CA@", "ca.crt")):
        text = text.replace(word, _base64(folder / file))
    manifests = list(yaml.safe_load_all(text))
    with step("applying cert-manager, pebble and Traefik"):
        kubectl.apply(manifest for manifest in manifests if manifest["kind"] != "ClusterIssuer")
        kubectl.apply(yaml.safe_load_all((HERE / "config" / "ingress.yaml").read_text()))
        kubectl("rollout", "status", "deployment/pebble", "-n", "acme", f"--timeout={patient(120):.0f}s")
        # Last: an issuer that cannot reach its authority waits more than a minute before the next try.
        kubectl.apply(manifest for manifest in manifests if manifest["kind"] == "ClusterIssuer")


def await_certificate(kubectl: Kubectl) -> None:
    """Wait for the wildcard of the default domain."""
    with step("waiting for the wildcard certificate from pebble"):
        kubectl(
            "wait", "--for=condition=Ready", "certificate/wildcard", "-n", "ingress", f"--timeout={patient(180):.0f}s"
        )


def authority_file(instance: Instance) -> Path:
    """Return the file with the authority that signs the ingress's certificates."""
    return instance.certificates / "pebble-root.crt"


def save_authority(kubectl: Kubectl, instance: Instance) -> bool:
    """Write that file, and return whether it changed: pebble makes a new root at each start."""
    file, found = authority_file(instance), kubectl("get", "--raw", ROOT)
    is_new = not file.exists() or file.read_text() != found
    file.write_text(found)
    return is_new


def _base64(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
