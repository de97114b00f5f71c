"""Write OCI image archives without an engine: a program, or a folder, on nothing."""

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
HOST = "slipway.test"  # nothing answers there, so it can only be an imported image
EPOCH = "1970-01-01T00:00:00Z"  # the same content gives the same digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What an image holds (path inside -> file on this machine, links), and how and in which folder it starts."""

    reference: str
    files: dict[str, Path]
    entrypoint: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "65532:65532"
    folder: str = "/"
    links: dict[str, str] = field(default_factory=dict)


def reference(name: str) -> str:
    """Name the image of a program."""
    return f"{HOST}/{name}:1"


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
