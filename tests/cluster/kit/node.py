"""The one node: packages, containerd, the registry, the kubelet and kube-proxy."""

import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlunsplit

from tests.cluster.kit.cache import HERE, Cache, Instance
from tests.cluster.kit.certificates import Identity, issue
from tests.cluster.kit.control_plane import CLUSTER, SERVICES, write_kubeconfig
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.programs import Program, start
from tests.cluster.kit.steps import step, wait_until
from tests.patience import patient

NODE = "slipway"
REGISTRY = f"{CLUSTER.address}:5000"  # plain HTTP
REGISTRY_URL = urlunsplit(("http", REGISTRY, "", "", ""))
RUN = Path("/run/slipway-cluster")  # unix sockets need short paths
PACKAGES = (
    "containerd",
    "runc",
    "containernetworking-plugins",
    "nftables",
    "iptables",
    "ipset",
    "conntrack",
    "kmod",
    "openssl",
    "busybox-static",
    "buildah",
    "debootstrap",
    "git",
    "gcc",
    "libc6-dev",
)


def install_packages() -> None:
    """Install Debian's packages that are missing."""
    query = ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}\n", *PACKAGES]
    found = subprocess.run(query, capture_output=True, text=True, check=False).stdout.split()
    if found.count("ii") == len(PACKAGES):
        return
    with step("installing Debian's packages"):
        for words in (("update", "-qq"), ("install", "-y", "-qq", "--no-install-recommends", *PACKAGES)):
            subprocess.run(
                ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *words], check=True, capture_output=True
            )


def start_containerd(instance: Instance) -> None:
    """Start containerd with a root, a state and a socket of its own."""
    RUN.mkdir(exist_ok=True, mode=0o700)
    configuration = configure(instance, "containerd.toml")
    configure(instance, "cni.json", instance.folder / "cni" / "10-slipway.conflist")
    start(instance, Program(name="containerd", file=Path("/usr/bin/containerd"), words=("--config", configuration)))
    wait_until("containerd", ctr_answers, seconds=30)


def ctr_answers() -> bool:
    """Return whether containerd answers."""
    return subprocess.run([*ctr(), "version"], capture_output=True, check=False).returncode == 0


def ctr() -> list[str]:
    """Return the command that talks to this containerd, in the namespace of Kubernetes."""
    return ["ctr", "--address", str(RUN / "containerd.sock"), "--namespace", "k8s.io"]


def start_node(cache: Cache, instance: Instance, kubectl: Kubectl) -> None:
    """Start the kubelet, kube-proxy and what enforces NetworkPolicies, and wait for the node to be ready."""
    folder = instance.certificates
    for identity in (
        Identity(file="kubelet", name=f"system:node:{NODE}", group="system:nodes", hosts=(NODE, CLUSTER.address)),
        Identity(file="kube-proxy", name="system:kube-proxy"),
        Identity(file="kube-router", name="system:kube-router", group="system:masters"),
    ):
        if not (folder / f"{identity.file}.crt").exists():
            issue(folder, identity)
        write_kubeconfig(instance, CLUSTER, identity.file, instance.folder / f"{identity.file}.kubeconfig")
    start(instance, _kubelet(cache, instance))
    start(instance, _kube_proxy(cache, instance))
    ready = ("get", "nodes", "-o", "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}")
    wait_until("the node", lambda: kubectl(*ready).strip() == "True", seconds=120)
    start(instance, _kube_router(cache, instance))  # it ends where its node is not there yet
    wait_until("the rules of NetworkPolicies", _has_rules, seconds=60)


def configure(
    instance: Instance, name: str, target: Path | None = None, *, words: Mapping[str, object] | None = None
) -> Path:
    """Write config/<name> into the instance, with its folders and `words` for placeholders; return the file."""
    target = target or instance.folder / name
    text = (HERE / "config" / name).read_text()
    folders = {"FOLDER": instance.folder, "CERTIFICATES": instance.certificates, "RUN": RUN}
    for word, value in {**folders, **(words or {})}.items():
        text = text.replace(f"@{word}@", str(value))
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or target.read_text() != text:  # kube-proxy exits when its file is written
        target.write_text(text)
    return target


def _kube_proxy(cache: Cache, instance: Instance) -> Program:
    flags: dict[str, object] = {"config": configure(instance, "kube-proxy.yaml")}
    return Program(name="kube-proxy", file=cache.binaries / "kube-proxy", flags=flags)


def _has_rules() -> bool:
    return subprocess.run(["iptables", "-S", "KUBE-ROUTER-INPUT"], capture_output=True, check=False).returncode == 0


def _kube_router(cache: Cache, instance: Instance) -> Program:
    flags = {
        "kubeconfig": instance.folder / "kube-router.kubeconfig",
        "hostname-override": NODE,
        "run-firewall": "true",
        "run-router": "false",
        "run-service-proxy": "false",
        "service-cluster-ip-range": SERVICES,
        "health-port": "0",
    }
    return Program(name="kube-router", file=cache.binaries / "kube-router", flags=flags)


def _kubelet(cache: Cache, instance: Instance) -> Program:
    flags = {
        "config": configure(instance, "kubelet.yaml"),
        "kubeconfig": instance.folder / "kubelet.kubeconfig",
        "root-dir": instance.folder / "kubelet",
        "hostname-override": NODE,
        "node-ip": CLUSTER.address,
    }
    return Program(name="kubelet", file=cache.binaries / "kubelet", flags=flags)


def start_registry(cache: Cache, instance: Instance) -> None:
    """Start the registry that builds push to, and configure containerd to pull from it by plain HTTP."""
    hosts = instance.folder / "registries" / REGISTRY / "hosts.toml"
    hosts.parent.mkdir(parents=True, exist_ok=True)
    hosts.write_text(f'server = "{REGISTRY_URL}"\n\n[host."{REGISTRY_URL}"]\n')
    words = ("serve", configure(instance, "registry.yaml"))
    start(instance, Program(name="registry", file=cache.binaries / "registry", words=words))
    wait_until(f"the registry at {REGISTRY}", _registry_answers, seconds=30)


def _registry_answers() -> bool:
    try:
        with urllib.request.urlopen(f"http://{REGISTRY}/v2/", timeout=patient(2)) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
