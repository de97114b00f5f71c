"""The controller-manager and the scheduler."""

from collections.abc import Iterable

from tests.cluster.kit.cache import Cache, Instance
from tests.cluster.kit.certificates import Identity, issue
from tests.cluster.kit.control_plane import Place, write_kubeconfig
from tests.cluster.kit.programs import Program, start


def start_controller_manager(
    cache: Cache, instance: Instance, place: Place, *, controllers: Iterable[str] = ("*",)
) -> None:
    """Start these of its controllers."""
    folder = instance.certificates
    flags = {
        **_login(instance, place, "kube-controller-manager"),
        "controllers": ",".join(controllers),
        "use-service-account-credentials": "true",
        "service-account-private-key-file": folder / "accounts.key",
        "root-ca-file": folder / "ca.crt",
        "cluster-signing-cert-file": folder / "ca.crt",
        "cluster-signing-key-file": folder / "ca.key",
        "allocate-node-cidrs": "true",
        "cluster-cidr": "10.244.0.0/16",
        "secure-port": "10257" if place.has_node else "0",
    }
    start(instance, Program(name="controllers", file=cache.binaries / "kube-controller-manager", flags=flags))


def start_scheduler(cache: Cache, instance: Instance, place: Place) -> None:
    """Start the scheduler."""
    flags = _login(instance, place, "kube-scheduler")
    start(instance, Program(name="scheduler", file=cache.binaries / "kube-scheduler", flags=flags))


def _login(instance: Instance, place: Place, name: str) -> dict[str, object]:
    if not (instance.certificates / f"{name}.crt").exists():
        issue(instance.certificates, Identity(file=name, name=f"system:{name}"))
    file = instance.folder / f"{name}.kubeconfig"
    write_kubeconfig(instance, place, name, file)
    options = dict.fromkeys(("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"), file)
    return {**options, "leader-elect": "false", "bind-address": "127.0.0.1"}
