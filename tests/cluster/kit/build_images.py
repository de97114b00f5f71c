"""The images that builds on the cluster run in, and Slipway's own."""

import os
import shutil
from pathlib import Path

from tests.cluster.kit.buildah import buildah, debian
from tests.cluster.kit.cache import HERE, Cache
from tests.cluster.kit.registry import REGISTRY
from tests.cluster.kit.steps import step
from tests.conftest import ROOT

CONFIG = HERE / "config" / "images"
DEBIAN, RUN, BUILDER = "debian", "run", "builder"
OUTSIDE = ("PIP_INDEX_URL", "PIP_CERT")  # arguments of the Containerfile that are this machine's own matter


def push_build_images(cache: Cache) -> None:
    """Give the registry what builds need: Debian with git and buildah, the image that apps run on, the builder."""
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
