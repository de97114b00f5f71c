"""The overlay that a user writes on top of one of ours: their image, domain, Gateway and issuer."""

from pathlib import Path

import yaml

from tests.cluster.kit.cache import Instance
from tests.cluster.kit.control_plane import CLUSTER
from tests.cluster.kit.kubectl import Kubectl
from tests.conftest import ROOT

DOMAIN = "apps.slipway.test"
HOST = f"slipway.{DOMAIN}"
NAMESPACE = "slipway"
KNATIVE = ROOT / "knative"
_NATS = yaml.safe_load((KNATIVE / "overlays" / "nats" / "nats.yaml").read_text())["data"]
# There is one NATS here.
NATS_CHANNEL = _NATS["channel-template-spec"].replace("replicas: 3", "replicas: 1")
# The registry and the forge run on the node; its API server is not for builds.
NODE_SERVICES = {
    "to": [{"ipBlock": {"cidr": f"{CLUSTER.address}/32"}}],
    "ports": [{"protocol": "TCP", "port": port} for port in (3000, 3022, 5000)],
}
PATCHES: tuple[tuple[str, str, tuple[tuple[str, object], ...]], ...] = (
    ("Gateway", "slipway", (("/spec/gatewayClassName", "traefik"), ("/spec/listeners/1/hostname", f"*.{DOMAIN}"))),
    ("HTTPRoute", "slipway", (("/spec/hostnames", [HOST]),)),
    ("HTTPRoute", "knative-apps", (("/spec/hostnames", [f"*.{DOMAIN}"]),)),
    (
        "Certificate",
        "tls-wildcard",
        (
            ("/metadata/annotations/slipway.dev~1host", f"*.{DOMAIN}"),
            ("/spec/dnsNames", [f"*.{DOMAIN}"]),
            ("/spec/issuerRef/name", "pebble"),
        ),
    ),
    ("NetworkPolicy", "builds-out", (("/spec/egress/-", NODE_SERVICES),)),
    (
        "ConfigMap",
        "slipway-nats",
        (("/data/channel-template-spec", NATS_CHANNEL),),
    ),
)


def write_overlay(instance: Instance, name: str, *, image: str) -> Path:
    """Write it on top of the project's overlay of this name, and return its folder."""
    folder = instance.folder / "overlay"
    folder.mkdir(exist_ok=True)
    knative = Path("..", *[".."] * len(folder.parts[1:-1]), *KNATIVE.parts[1:])
    repository, _, digest = image.partition("@")
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [str(knative / "overlays" / name)],
        "components": [str(knative / "components" / part) for part in ("networks", "broker-network")],
        "images": [{"name": "slipway", "newName": repository, "digest": digest}],
        "patches": [
            {
                "target": {"kind": kind, "name": target},
                "patch": yaml.safe_dump([_change(*change) for change in changes]),
            }
            for kind, target, changes in PATCHES
        ],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    return folder


def delete_other_broker(kubectl: Kubectl, folder: Path) -> None:
    """Delete a Broker with another channel than the overlay's: that cannot be changed in place."""
    wanted = next(one for one in yaml.safe_load_all(kubectl("kustomize", str(folder))) if one["kind"] == "Broker")
    found = kubectl("get", "brokers", "-n", NAMESPACE, "-o", "jsonpath={.items[*].spec.config.name}").strip()
    if found and found != wanted["spec"]["config"]["name"]:
        kubectl("delete", "broker", "slipway", "-n", NAMESPACE)


def _change(path: str, value: object) -> dict[str, object]:
    return {"op": "add" if path.endswith("/-") else "replace", "path": path, "value": value}
