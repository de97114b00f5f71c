"""`task cluster:api`: the API server with every CRD, for tests that need nothing to run."""

import hashlib
import shutil
from pathlib import Path

from tests.cluster.kit.build import build
from tests.cluster.kit.cache import HERE, Cache, Instance
from tests.cluster.kit.control_plane import API, start_control_plane, start_controller_manager
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.manifests import crds, without_conversion
from tests.cluster.kit.programs import stop, stop_all
from tests.cluster.kit.steps import step
from tests.patience import patient

# What objects need without a node: namespaces end, what a deleted object owned goes too, accounts are created.
CONTROLLERS = (
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
    "clusterrole-aggregation-controller",
    "resourcequota-controller",
)


def api(cache: Cache) -> None:
    """Start it, or continue where an earlier call stopped; print the kubeconfig's path."""
    build(cache, {"etcd", "kube-apiserver", "kubectl", "kube-controller-manager"})
    instance = cache.instance("api")
    is_new = not instance.kubeconfig.exists()
    seeded = restore_seed(cache, instance)
    start_control_plane(cache, instance, API)
    if not seeded:
        _apply_crds(cache, instance)
        if is_new:  # an older one may hold objects of tests
            _save(cache, instance)
    start_controller_manager(cache, instance, API, controllers=CONTROLLERS)
    print(f"  KUBECONFIG={instance.kubeconfig}")


def api_down(cache: Cache) -> None:
    """Stop it and delete its state."""
    instance = cache.instance("api")
    with step("stopping the API server"):
        stop_all(instance)
        shutil.rmtree(instance.folder, ignore_errors=True)


def _apply_crds(cache: Cache, instance: Instance) -> None:
    kubectl = Kubectl(cache, instance)
    with step("applying the CRDs"):
        kubectl.apply(without_conversion(manifest) for manifest in crds())
        kubectl("wait", "--for=condition=Established", "crd", "--all", f"--timeout={patient(60):.0f}s")


def _save(cache: Cache, instance: Instance) -> None:
    with step("saving them for the next time"):
        for name in ("kube-apiserver", "etcd"):
            stop(instance, name)
        save_seed(cache, instance)
    start_control_plane(cache, instance, API)


def seed_folder(cache: Cache) -> Path:
    """Return the folder of etcd's files with the CRDs applied; its name is a hash of all that they depend on."""
    pins = [*sorted((HERE / "modules").glob("*/go.mod")), HERE / "manifests.toml"]
    stamps = [cache.binaries / f"{name}.built-from" for name in ("etcd", "kube-apiserver")]
    content = hashlib.sha256(b"\0".join(file.read_bytes() for file in [*pins, *stamps]))
    return cache.home / "seeds" / content.hexdigest()[:16]


def restore_seed(cache: Cache, instance: Instance) -> bool:
    """Copy the saved files into a new instance; return whether the instance has the CRDs."""
    data, marker = instance.folder / "etcd", instance.folder / "seeded"
    if not data.exists() and seed_folder(cache).exists():
        shutil.copytree(seed_folder(cache), data)
        data.chmod(0o700)
        marker.touch()
    return marker.exists()


def save_seed(cache: Cache, instance: Instance) -> None:
    """Save the files of an instance whose etcd is stopped, in place of earlier ones."""
    goal = seed_folder(cache)
    shutil.rmtree(goal.parent, ignore_errors=True)
    shutil.copytree(instance.folder / "etcd", goal.with_suffix(".new"))
    goal.with_suffix(".new").replace(goal)
    (instance.folder / "seeded").touch()
