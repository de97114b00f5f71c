"""Make an image of every program that runs in a pod, and give them to containerd."""

import hashlib
import subprocess
import tomllib
from pathlib import PurePosixPath

from tests.cluster.kit.build import binaries
from tests.cluster.kit.cache import HERE, Cache
from tests.cluster.kit.foreign_images import nats_image, postgres_image, shell_image, wheel_image
from tests.cluster.kit.images import Image, reference, write_image
from tests.cluster.kit.node import ctr
from tests.cluster.kit.steps import step

ON_THE_NODE = {
    "etcd", "kube-apiserver", "kubectl", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy",
    "registry", "lifecycle", "launcher", "gitea",
}  # fmt: skip


def import_images(cache: Cache, names: set[str] | None = None) -> None:
    """Write the archives that are older than their programs, and import what containerd lacks."""
    special = tomllib.loads((HERE / "images.toml").read_text())
    inside: dict[str, dict[str, str]] = special["inside"]
    without = ON_THE_NODE | {name for files in inside.values() for name in files.values()}
    known = subprocess.run([*ctr(), "images", "list"], capture_output=True, text=True, check=True).stdout
    for binary in binaries():
        if binary.name in without or (names is not None and binary.name not in names):
            continue
        path = f"/ko-app/{PurePosixPath(binary.package).name}"  # where ko puts it, and manifests expect it
        added = {goal: cache.binaries / name for goal, name in inside.get(binary.name, {}).items()}
        image = Image(
            reference=reference(binary.name),
            files={path: cache.binaries / binary.name, **added},
            entrypoint=(path,),
            user=special["users"].get(binary.name, "65532:65532"),
            folder=special["folders"].get(binary.name, "/"),
        )
        _import(cache, binary.name, image, known)
    if names is None:
        foreign = {"shell": shell_image(), "postgres": postgres_image(), "nats": nats_image()}
        foreign |= {name: wheel_image(cache, name) for name in ("envoy", "traefik")}
        for name, image in foreign.items():
            _import(cache, name, image, known)


def _import(cache: Cache, name: str, image: Image, known: str) -> None:
    cache.images.mkdir(parents=True, exist_ok=True)
    archive, note = cache.images / f"{name}.tar", cache.images / f"{name}.made-from"
    content = hashlib.sha256(repr(image).encode())
    for file in image.files.values():
        content.update(f"{file.stat().st_size} {file.stat().st_mtime_ns}".encode())
    if not archive.exists() or not note.exists() or note.read_text().split()[0] != content.hexdigest():
        with step(f"making the image of {name}"):
            note.write_text(f"{content.hexdigest()} {write_image(image, archive)}")
    if note.read_text().split()[1] not in known:
        with step(f"importing the image of {name}"):
            subprocess.run([*ctr(), "images", "import", archive], capture_output=True, check=True)
