"""Building a Python app: its dependencies into a virtual environment inside the image."""

import sys
from pathlib import Path
from sysconfig import get_config_var

from functions.local.builds.detect import pyproject
from functions.local.builds.steps import Steps

_OF_THE_BUILD = ("direct_url.json", "uv_cache.json", "uv_build.json")


def build_python(steps: Steps, *, app: Path, venv: Path, uv: Path) -> None:
    """Make `venv` for the sources in `app`; no dependencies, no installing. Raises StepFailed."""
    version = get_config_var("py_version_short")
    with steps.step("python", f"Using Python {version}"):
        base = getattr(sys, "_base_executable", sys.executable)
        create = [uv, "venv", "--quiet", "--relocatable", "--no-project", "--python", base, venv]
        steps.run(create, folder=app, remedy="is its disk full?")
    arguments = _arguments(steps, app)
    if arguments is None:
        return
    marker = "pyproject.toml" if arguments == ["."] else arguments[-1]
    with steps.step("dependencies", f"Installing dependencies from {marker}"):
        python = venv / "bin" / "python"
        argv: list[str | Path] = [uv, "pip", "install", "--python", python, "--no-progress", *arguments]
        steps.run(argv, folder=app, remedy="see the lines above for the package that cannot be installed")
        _forget_the_build(venv)


def _arguments(steps: Steps, app: Path) -> list[str] | None:
    requirements = app / "requirements.txt"
    if requirements.is_file():
        lines = (line.partition("#")[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines())
        return ["-r", "requirements.txt"] if any(lines) else None
    with steps.step("dependencies", "Reading pyproject.toml"):
        project = pyproject(app)
    if "build-system" in project:
        return ["."]
    return ["-r", "pyproject.toml"] if project.get("project", {}).get("dependencies") else None


def _forget_the_build(venv: Path) -> None:
    """Remove the notes of where and when something was built: the same commit gives the same digest."""
    for name in _OF_THE_BUILD:
        for path in venv.glob(f"lib/python*/site-packages/*.dist-info/{name}"):
            path.unlink()
            record = path.parent / "RECORD"
            lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
            # uv shares its cache's files as links: write a new file, never into the old one.
            record.unlink()
            record.write_text("".join(line for line in lines if f"/{name}," not in line), encoding="utf-8")
