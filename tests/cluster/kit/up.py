"""`task cluster:up`: a whole single-node Kubernetes with the platform that Slipway runs on."""

from tests.cluster.kit.acme import await_certificate, install_acme
from tests.cluster.kit.build import build
from tests.cluster.kit.build_images import push_build_images
from tests.cluster.kit.cache import HERE, Cache
from tests.cluster.kit.control_plane import CLUSTER, start_control_plane, start_controller_manager, start_scheduler
from tests.cluster.kit.gitea import start_forge
from tests.cluster.kit.images import import_images
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.manifests import documents
from tests.cluster.kit.network import set_up_network
from tests.cluster.kit.node import configure, install_packages, start_containerd, start_node, start_registry
from tests.cluster.kit.platform import await_deployments, install_platform
from tests.cluster.kit.steps import step
from tests.patience import patient


def up(cache: Cache) -> None:
    """Start it, or continue where an earlier call stopped; print the kubeconfig's path."""
    install_packages()
    build(cache)
    instance = cache.instance("cluster")
    set_up_network(instance)
    start_control_plane(cache, instance, CLUSTER)
    kubectl = Kubectl(cache, instance)
    with step("starting the controller-manager, the scheduler and containerd"):
        start_controller_manager(cache, instance, CLUSTER)
        start_scheduler(cache, instance, CLUSTER)
        start_containerd(instance)
        start_registry(cache, instance)
    import_images(cache)
    with step("starting the kubelet and kube-proxy"):
        start_node(cache, instance, kubectl)
    with step("starting CoreDNS, PostgreSQL and NATS"):
        configure(instance, "data.yaml")
        kubectl.apply([*documents(HERE / "config", ["coredns.yaml"]), *documents(instance.folder, ["data.yaml"])])
        kubectl("rollout", "status", "deployment/coredns", "-n", "kube-system", f"--timeout={patient(90):.0f}s")
    with step("starting the provisioner of volumes"):
        configure(instance, "storage.yaml")
        kubectl.apply(documents(instance.folder, ["storage.yaml"]))
    push_build_images(cache)
    install_platform(kubectl)
    install_acme(kubectl, instance)
    await_deployments(kubectl)
    await_certificate(kubectl)
    start_forge(cache, instance, kubectl)
    print(f"  KUBECONFIG={instance.kubeconfig}")
