"""Images that are more than one program: on Debian's packages, by buildah, pushed to the cluster's registry."""

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.kit.cache import Cache
from tests.cluster.kit.images import AUTHORITIES
from tests.cluster.kit.registry import REGISTRY
from tests.cluster.kit.steps import StepError, step
from tests.patience import patient

SUITE = "bookworm"
# One base for all: git fetches, buildah builds Dockerfiles, Python runs functions and apps. A node pulls it once.
PACKAGES = ("python3", "python3-venv", "ca-certificates", "git", "buildah")


@dataclass(frozen=True, slots=True, kw_only=True)
class Buildah:
    """The command with a storage of its own in the cache: layers of an earlier call are used again."""

    home: Path

    def __call__(self, *words: str | Path, seconds: float = 900) -> str:
        """Run it and return what it printed. Raises StepError with its last words."""
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
