"""etcd, the API server, the controller-manager and the scheduler."""

import ssl
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.cluster.kit.cache import Cache, Instance
from tests.cluster.kit.certificates import Identity, authority, issue
from tests.cluster.kit.programs import Program, start
from tests.cluster.kit.steps import step, wait_until
from tests.patience import patient

SERVICES = "10.96.0.0/16"
KUBERNETES_SERVICE = "10.96.0.1"
NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where the API server listens; `has_node` when kubelets and Services follow."""

    address: str
    port: int
    etcd_port: int
    has_node: bool

    @property
    def url(self) -> str:
        """Return the API server's address."""
        return f"https://{self.address}:{self.port}"

    @property
    def etcd(self) -> str:
        """Return etcd's address."""
        return f"https://127.0.0.1:{self.etcd_port}"


API = Endpoint(address="127.0.0.1", port=16443, etcd_port=12379, has_node=False)
CLUSTER = Endpoint(address="10.99.0.1", port=6443, etcd_port=22379, has_node=True)


def start_control_plane(cache: Cache, instance: Instance, endpoint: Endpoint) -> None:
    """Start etcd and the API server, and write the administrator's kubeconfig."""
    if not (instance.certificates / "admin.crt").exists():
        with step("making certificates"):
            _certificates(instance.certificates, endpoint)
    write_kubeconfig(instance, endpoint, "admin", instance.kubeconfig)
    with step("starting etcd and the API server"):
        start(instance, _etcd(cache, instance, endpoint))
        start(instance, _api_server(cache, instance, endpoint))
        wait_until(f"the API server at {endpoint.url}", lambda: is_ready(instance, endpoint), seconds=120)


def write_kubeconfig(instance: Instance, endpoint: Endpoint, identity: str, file: Path) -> None:
    """Write a kubeconfig that logs in with the certificate `identity`."""
    folder = instance.certificates
    user = {"client-certificate": str(folder / f"{identity}.crt"), "client-key": str(folder / f"{identity}.key")}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "slipway", "cluster": {"server": endpoint.url, "certificate-authority": str(folder / "ca.crt")}}
        ],
        "users": [{"name": identity, "user": user}],
        "contexts": [{"name": "slipway", "context": {"cluster": "slipway", "user": identity}}],
        "current-context": "slipway",
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(yaml.safe_dump(config))


def is_ready(instance: Instance, endpoint: Endpoint) -> bool:
    """Return whether the API server is ready."""
    context = ssl.create_default_context(cafile=str(instance.certificates / "ca.crt"))
    context.load_cert_chain(instance.certificates / "admin.crt", instance.certificates / "admin.key")
    try:
        with urllib.request.urlopen(f"{endpoint.url}/readyz", context=context, timeout=patient(2)) as answer:  # noqa: S310 - https
            return bool(answer.status == 200)
    except OSError:
        return False


def _certificates(folder: Path, endpoint: Endpoint) -> None:
    authority(folder)
    hosts = (*NAMES, "127.0.0.1", KUBERNETES_SERVICE, endpoint.address)
    for identity in (
        Identity(file="apiserver", name="kube-apiserver", hosts=hosts),
        Identity(file="apiserver-client", name="kube-apiserver-client", group="system:masters"),
        Identity(file="front-proxy", name="front-proxy"),
        Identity(file="etcd", name="etcd", hosts=("localhost", "127.0.0.1")),
        Identity(file="admin", name="admin", group="system:masters"),
    ):
        issue(folder, identity)


def _etcd(cache: Cache, instance: Instance, endpoint: Endpoint) -> Program:
    folder = instance.certificates
    flags = {
        "data-dir": instance.folder / "etcd",
        "listen-client-urls": endpoint.etcd,
        "advertise-client-urls": endpoint.etcd,
        "listen-peer-urls": f"http://127.0.0.1:{endpoint.etcd_port + 1}",
        "cert-file": folder / "etcd.crt",
        "key-file": folder / "etcd.key",
        "trusted-ca-file": folder / "ca.crt",
        "client-cert-auth": "true",
        "unsafe-no-fsync": "true",  # a test's cluster may lose its state with the machine
        "log-level": "warn",
    }
    return Program(name="etcd", file=cache.binaries / "etcd", flags=flags)


def _api_server(cache: Cache, instance: Instance, endpoint: Endpoint) -> Program:
    folder = instance.certificates
    flags = {
        "bind-address": endpoint.address,
        "advertise-address": endpoint.address if endpoint.has_node else "10.99.0.1",
        "secure-port": endpoint.port,
        "endpoint-reconciler-type": "lease" if endpoint.has_node else "none",
        "service-cluster-ip-range": SERVICES,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        "etcd-servers": endpoint.etcd,
        "etcd-cafile": folder / "ca.crt",
        "etcd-certfile": folder / "etcd.crt",
        "etcd-keyfile": folder / "etcd.key",
        "tls-cert-file": folder / "apiserver.crt",
        "tls-private-key-file": folder / "apiserver.key",
        "client-ca-file": folder / "ca.crt",
        "kubelet-client-certificate": folder / "apiserver-client.crt",
        "kubelet-client-key": folder / "apiserver-client.key",
        "kubelet-certificate-authority": folder / "ca.crt",
        "kubelet-preferred-address-types": "InternalIP",
        "requestheader-client-ca-file": folder / "ca.crt",
        "requestheader-allowed-names": "front-proxy",
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": folder / "front-proxy.crt",
        "proxy-client-key-file": folder / "front-proxy.key",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": folder / "accounts.pub",
        "service-account-signing-key-file": folder / "accounts.key",
    }
    return Program(name="kube-apiserver", file=cache.binaries / "kube-apiserver", flags=flags)


def start_controller_manager(
    cache: Cache, instance: Instance, endpoint: Endpoint, *, controllers: Iterable[str] = ("*",)
) -> None:
    """Start the controller-manager with these controllers."""
    folder = instance.certificates
    flags = {
        **_login(instance, endpoint, "kube-controller-manager"),
        "controllers": ",".join(controllers),
        "use-service-account-credentials": "true",
        "service-account-private-key-file": folder / "accounts.key",
        "root-ca-file": folder / "ca.crt",
        "cluster-signing-cert-file": folder / "ca.crt",
        "cluster-signing-key-file": folder / "ca.key",
        "allocate-node-cidrs": "true",
        "cluster-cidr": "10.244.0.0/16",
        "secure-port": "10257" if endpoint.has_node else "0",
    }
    start(
        instance, Program(name="kube-controller-manager", file=cache.binaries / "kube-controller-manager", flags=flags)
    )


def start_scheduler(cache: Cache, instance: Instance, endpoint: Endpoint) -> None:
    """Start the scheduler."""
    flags = _login(instance, endpoint, "kube-scheduler")
    start(instance, Program(name="kube-scheduler", file=cache.binaries / "kube-scheduler", flags=flags))


def _login(instance: Instance, endpoint: Endpoint, name: str) -> dict[str, object]:
    if not (instance.certificates / f"{name}.crt").exists():
        issue(instance.certificates, Identity(file=name, name=f"system:{name}"))
    file = instance.folder / f"{name}.kubeconfig"
    write_kubeconfig(instance, endpoint, name, file)
    options = dict.fromkeys(("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"), file)
    return {**options, "leader-elect": "false", "bind-address": "127.0.0.1"}
