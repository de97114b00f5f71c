"""The registry that builds push to and nodes pull from: plain HTTP on the node's address."""

import urllib.request
from urllib.parse import urlunsplit

from tests.cluster.kit.cache import Cache, Instance
from tests.cluster.kit.control_plane import CLUSTER
from tests.cluster.kit.node import configure
from tests.cluster.kit.programs import Program, start
from tests.cluster.kit.steps import wait_until
from tests.patience import patient

REGISTRY = f"{CLUSTER.address}:5000"
REGISTRY_URL = urlunsplit(("http", REGISTRY, "", "", ""))


def start_registry(cache: Cache, instance: Instance) -> None:
    """Start it, and tell containerd that it speaks plain HTTP."""
    hosts = instance.folder / "registries" / REGISTRY / "hosts.toml"
    hosts.parent.mkdir(parents=True, exist_ok=True)
    hosts.write_text(f'server = "{REGISTRY_URL}"\n\n[host."{REGISTRY_URL}"]\n')
    words = ("serve", configure(instance, "registry.yaml"))
    start(instance, Program(name="registry", file=cache.binaries / "registry", words=words))
    wait_until(f"the registry at {REGISTRY}", _answers, seconds=30)


def _answers() -> bool:
    try:
        with urllib.request.urlopen(f"http://{REGISTRY}/v2/", timeout=patient(2)) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
