"""`task cluster:api`: the API server with every CRD, for tests that need nothing to run."""

import shutil

from tests.cluster.kit.build import build
from tests.cluster.kit.cache import Cache, Instance
from tests.cluster.kit.control_plane import API, start_control_plane
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.loops import start_controller_manager
from tests.cluster.kit.manifests import crds, without_conversion
from tests.cluster.kit.programs import stop, stop_all
from tests.cluster.kit.seed import keep, plant
from tests.cluster.kit.steps import step
from tests.patience import patient

# What gives an object its life without a node: namespaces end, owners take what they own along, accounts appear.
LOOPS = (
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
    "clusterrole-aggregation-controller",
    "resourcequota-controller",
)


def api(cache: Cache) -> None:
    """Bring it up, or go on where an earlier call stopped; prints the kubeconfig's path."""
    build(cache, {"etcd", "kube-apiserver", "kubectl", "kube-controller-manager"})
    instance = cache.instance("api")
    is_new = not instance.kubeconfig.exists()
    seeded = plant(cache, instance)
    start_control_plane(cache, instance, API)
    if not seeded:
        _apply_crds(cache, instance)
        if is_new:  # an older one may hold what tests left behind
            _keep(cache, instance)
    start_controller_manager(cache, instance, API, controllers=LOOPS)
    print(f"  KUBECONFIG={instance.kubeconfig}")


def api_down(cache: Cache) -> None:
    """End it and forget its state."""
    instance = cache.instance("api")
    with step("stopping the API server"):
        stop_all(instance)
        shutil.rmtree(instance.folder, ignore_errors=True)


def _apply_crds(cache: Cache, instance: Instance) -> None:
    kubectl = Kubectl(cache, instance)
    with step("applying the CRDs"):
        kubectl.apply(without_conversion(manifest) for manifest in crds())
        kubectl("wait", "--for=condition=Established", "crd", "--all", f"--timeout={patient(60):.0f}s")


def _keep(cache: Cache, instance: Instance) -> None:
    with step("keeping them for the next time"):
        for name in ("kube-apiserver", "etcd"):
            stop(instance, name)
        keep(cache, instance)
    start_control_plane(cache, instance, API)
