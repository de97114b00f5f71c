"""The CRDs are applied once: etcd's files with them in are kept, and copied into the next instance."""

import hashlib
import shutil
from pathlib import Path

from tests.cluster.kit.cache import HERE, Cache, Instance


def seed_folder(cache: Cache) -> Path:
    """Name the seed by all that the CRDs and the format of the files depend on."""
    pins = [*sorted((HERE / "modules").glob("*/go.mod")), HERE / "manifests.toml"]
    stamps = [cache.binaries / f"{name}.built-from" for name in ("etcd", "kube-apiserver")]
    content = hashlib.sha256(b"\0".join(file.read_bytes() for file in [*pins, *stamps]))
    return cache.home / "seeds" / content.hexdigest()[:16]


def plant(cache: Cache, instance: Instance) -> bool:
    """Give a new instance the kept files; tell whether the CRDs are in it."""
    data, marker = instance.folder / "etcd", instance.folder / "seeded"
    if not data.exists() and seed_folder(cache).exists():
        shutil.copytree(seed_folder(cache), data)
        data.chmod(0o700)
        marker.touch()
    return marker.exists()


def keep(cache: Cache, instance: Instance) -> None:
    """Keep the files of an instance whose etcd is stopped, in place of earlier ones."""
    goal = seed_folder(cache)
    shutil.rmtree(goal.parent, ignore_errors=True)
    shutil.copytree(instance.folder / "etcd", goal.with_suffix(".new"))
    goal.with_suffix(".new").replace(goal)
    (instance.folder / "seeded").touch()
