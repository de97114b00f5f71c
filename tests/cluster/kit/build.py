"""Builds the programs of binaries.toml from their Go modules, one after another, into the cache."""

import hashlib
import os
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.kit.cache import HERE, Cache
from tests.cluster.kit.steps import StepError, step

NICE = ["nice", "-n", "5"]  # below an interactive shell, yet beside other work it gets on: at idle priority it starved


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """One program: `package` of the module whose go.mod lies in `module`."""

    name: str
    package: str
    module: Path
    version: str
    stamps: tuple[str, ...]
    tags: tuple[str, ...] = ()
    cgo: bool = False

    def key(self) -> str:
        """Return a hash of everything that the built file depends on."""
        pins = [(self.module / name).read_bytes() for name in ("go.mod", "go.sum")]
        pins += [file.read_bytes() for file in sorted((self.module / self.package).glob("*.go"))]
        words = [self.package, self.linker_flags(), *self.tags]
        return hashlib.sha256(b"\0".join([*pins, *(word.encode() for word in words)])).hexdigest()

    def linker_flags(self) -> str:
        """Return the flags: no symbols, and the version of programs that print one."""
        return " ".join(["-s -w", *(f"-X {name}={self.version}" for name in self.stamps)])


def binaries() -> Iterator[Binary]:
    """Yield the programs of binaries.toml, in its order."""
    for name, module in tomllib.loads((HERE / "binaries.toml").read_text())["modules"].items():
        folder = HERE / "modules" / name
        options = {name: tuple(module.get(name, ())) for name in ("stamps", "tags")}
        cgo = bool(module.get("cgo"))
        for binary, package in module["binaries"].items():
            version = _version(folder, package)
            yield Binary(name=binary, package=package, module=folder, version=version, cgo=cgo, **options)


def _version(module: Path, package: str) -> str:
    """Return the version that go.mod requires of the module that the package belongs to."""
    if package.startswith("./"):
        return "our own"
    for line in (module / "go.mod").read_text().splitlines():
        words = line.removeprefix("require").split()
        if len(words) > 1 and words[1].startswith("v") and f"{package}/".startswith(f"{words[0]}/"):
            return words[1]
    msg = f"{module / 'go.mod'} requires no module that holds {package}"
    raise StepError(msg)


def build(cache: Cache, names: set[str] | None = None) -> None:
    """Build the programs that are missing or older than their pins; of all when `names` is None."""
    cache.binaries.mkdir(parents=True, exist_ok=True)
    for binary in binaries():
        if names is None or binary.name in names:
            _build(cache, binary)


def is_built(cache: Cache, binary: Binary) -> bool:
    """Return whether the cache has the program as it is pinned."""
    stamp = _stamp(cache, binary)
    return (cache.binaries / binary.name).exists() and stamp.exists() and stamp.read_text() == binary.key()


def _stamp(cache: Cache, binary: Binary) -> Path:
    return cache.binaries / f"{binary.name}.built-from"


def _build(cache: Cache, binary: Binary) -> None:
    if is_built(cache, binary):
        return
    target = cache.binaries / binary.name
    with step(f"building {binary.name} ({binary.version})"):
        flags = ["-trimpath", "-buildvcs=false", "-p=2"]
        flags += ["-tags", ",".join(binary.tags), "-ldflags", binary.linker_flags()]
        # Go reads its settings from the environment.
        environment = {**os.environ, "CGO_ENABLED": str(int(binary.cgo)), "GOFLAGS": ""}  # noqa: TID251 - as above
        made = subprocess.run(
            [*NICE, "go", "build", *flags, "-o", f"{target}.new", binary.package],
            cwd=binary.module,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            msg = f"go cannot build {binary.package}:\n{made.stderr[-3000:]}"
            raise StepError(msg)
        Path(f"{target}.new").replace(target)
        _stamp(cache, binary).write_text(binary.key())
