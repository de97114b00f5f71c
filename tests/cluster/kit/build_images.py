"""Images of more than one program, on Debian packages, made by buildah and pushed to the registry."""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.kit.cache import HERE, Cache
from tests.cluster.kit.images import AUTHORITIES
from tests.cluster.kit.node import REGISTRY
from tests.cluster.kit.steps import StepError, step
from tests.conftest import ROOT
from tests.patience import patient

CONFIG = HERE / "config" / "images"
DEBIAN, RUN, BUILDER = "debian", "run", "builder"
OUTSIDE = ("PIP_INDEX_URL", "PIP_CERT")  # arguments of the Containerfile that differ between machines
SUITE = "bookworm"
# One base for all: git fetches, buildah builds Dockerfiles, Python runs functions and apps. A node pulls it once.
PACKAGES = ("python3", "python3-venv", "ca-certificates", "git", "buildah")


def push_build_images(cache: Cache) -> None:
    """Push the images that builds need: Debian with git and buildah, the one that apps run on, the builder."""
    run = buildah(cache)
    base = debian(run)
    with step("making the images of builds"):
        context = _context(cache)
        for target in (RUN, BUILDER):
            arguments = ["--build-arg", f"DEBIAN={base}", "--build-arg", f"REGISTRY={REGISTRY}", "--target", target]
            run.build(CONFIG / "Containerfile", context, f"localhost/{target}", *arguments)
        run("tag", base, f"localhost/{DEBIAN}")
        for name in (DEBIAN, RUN, BUILDER):
            run.push(name)


def push_slipway(cache: Cache) -> str:
    """Build the image of this checkout's functions as `task image` does, push it, and return it by digest."""
    run = buildah(cache)
    base = debian(run)
    with step("making Slipway's image"):
        given = {name: os.environ[name] for name in OUTSIDE if name in os.environ}  # noqa: TID251 - pip's own settings
        arguments = [word for name, value in given.items() for word in ("--build-arg", f"{name}={value}")]
        options: list[str | Path] = [
            "--ignorefile",
            ROOT / ".containerignore",
            "--build-arg",
            f"BASE={base}",
            *arguments,
        ]
        run.build(ROOT / "Containerfile", ROOT, "localhost/slipway", *options)
        return run.push("slipway")


def _context(cache: Cache) -> Path:
    """Lay out what the Containerfile copies."""
    folder = cache.home / "buildah" / "context"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(CONFIG / "buildpack", folder / "buildpack")
    for name in ("lifecycle", "launcher"):
        shutil.copy2(cache.binaries / name, folder / name)
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Buildah:
    """The command with its storage in the cache, so that layers of an earlier call are used again."""

    home: Path

    def __call__(self, *words: str | Path, seconds: float = 900) -> str:
        """Run it and return what it printed. Raises StepError with the end of its errors."""
        place = ["--root", self.home / "storage", "--runroot", self.home / "run", "--storage-driver", "overlay"]
        command = ["env", "BUILDAH_ISOLATION=chroot", "buildah", *map(str, place), *map(str, words)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=patient(seconds), check=False)
        if ran.returncode:
            msg = f"buildah {' '.join(map(str, words))}: {ran.stderr.strip()[-3000:]}"
            raise StepError(msg)
        return ran.stdout.strip()

    def build(self, file: Path, context: Path, name: str, *options: str | Path) -> None:
        """Build an image; RUN reaches the package registries as this machine does, its authorities included."""
        seen = ("--network", "host", "--volume", f"{AUTHORITIES}:{AUTHORITIES}:ro")
        self("build", "--format", "oci", "--layers", *seen, "--file", file, "--tag", name, *options, context)

    def push(self, name: str) -> str:
        """Push an image and return its reference by digest."""
        digest = self.home / "digest"
        goal = f"{REGISTRY}/{name}"
        self("push", "--quiet", "--tls-verify=false", "--digestfile", digest, f"localhost/{name}", f"docker://{goal}")
        return f"{goal}@{digest.read_text().strip()}"


def buildah(cache: Cache) -> Buildah:
    """Return the command for this cache."""
    home = cache.home / "buildah"
    home.mkdir(parents=True, exist_ok=True)
    return Buildah(home=home)


def debian(run: Buildah) -> str:
    """Return the image of a small Debian with `PACKAGES`, made once."""
    name = f"localhost/debian:{hashlib.sha256(' '.join((SUITE, *PACKAGES)).encode()).hexdigest()[:12]}"
    if name not in run("images", "--format", "{{.Name}}:{{.Tag}}").split():
        with step("making a Debian from its packages"):
            _debootstrap(run, name)
    return name


def _debootstrap(run: Buildah, name: str) -> None:
    container = run("from", "scratch")
    try:
        root = run("mount", container)
        words = ["debootstrap", "--variant=minbase", SUITE, root]
        made = subprocess.run(words, capture_output=True, text=True, check=False)
        if made.returncode:
            msg = f"debootstrap cannot make a {SUITE}: {made.stdout[-2000:]}{made.stderr[-1000:]}"
            raise StepError(msg)
        # Not by debootstrap, which does not know what a virtual package is.
        for command in ("update -qq", f"install -y -qq --no-install-recommends {' '.join(PACKAGES)}", "clean"):
            run("run", "--network", "host", container, "--", "apt-get", *command.split())
        run("config", "--env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
        run("commit", "--quiet", container, name)
    finally:
        run("rm", container)
