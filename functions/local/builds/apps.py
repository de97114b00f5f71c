"""Builds Python, Node and static apps: `python -m functions.local.builds.apps` is the process of one build."""

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from sysconfig import get_config_var
from typing import Any

from functions.common.adapters.addresses import git_hosts
from functions.local.builds.detect import Kind, Plan, detect, package_json, pyproject
from functions.local.builds.fetch import Source, fetch, folder_source, url_source
from functions.local.builds.image import Manifest, store_image
from functions.local.builds.steps import BuildLog, StepFailed, Steps, redacted, url_secrets
from functions.local.files import write_private
from functions.local.sandbox.isolation import LAUNCH, Box, Isolation, IsolationKind, Limits, give

_LOCK_FILES = ("package-lock.json", "npm-shrinkwrap.json")
# Each of these lets npm install something: the packages of `workspaces` have dependencies of their own, and are linked.
_DEPENDENCIES = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "workspaces")


def build_node(steps: Steps, *, app: Path, tools: Path) -> None:
    """Install the dependencies of package.json and run its build script; `tools` is the folder of node and npm."""
    with steps.step("node", "Using Node.js"):
        package = package_json(app)
    path = {"PATH": f"{tools}:{steps.environment.get('PATH', '')}", "npm_config_update_notifier": "false"}
    locked = any((app / name).is_file() for name in _LOCK_FILES)
    if locked or _has_dependencies(package):
        verb = "ci" if locked else "install"
        with steps.step("dependencies", f"Installing dependencies with npm {verb}"):
            argv: list[str | Path] = [tools / "npm", verb, "--no-audit", "--no-fund", "--include=dev"]
            remedy = "see the lines above for the package that cannot be installed"
            steps.run(argv, folder=app, remedy=remedy, extra=path)
            if _is_inside(app / "node_modules", app):
                (app / "node_modules" / ".package-lock.json").unlink(missing_ok=True)
    if (package.get("scripts") or {}).get("build"):
        with steps.step("build script", "Running npm run build"):
            remedy = "see the lines above; the script is `scripts.build` in package.json"
            steps.run([tools / "npm", "run", "build"], folder=app, remedy=remedy, extra=path)


def _is_inside(path: Path, folder: Path) -> bool:
    """Return whether a path is in a folder of the draft: code that a build ran may have put links there."""
    return path.resolve().is_relative_to(folder.parent.resolve() / folder.name)


def _has_dependencies(package: dict[str, Any]) -> bool:
    return any(package.get(name) for name in _DEPENDENCIES)


# Notes of where and when a package was built: without them the same commit gives the same digest.
_BUILD_METADATA = ("direct_url.json", "uv_cache.json", "uv_build.json")


def build_python(steps: Steps, *, app: Path, venv: Path, uv: Path) -> None:
    """Make a virtual environment with the dependencies of the sources in `app`. Raises StepFailed."""
    version = get_config_var("py_version_short")
    with steps.step("python", f"Using Python {version}"):
        base = getattr(sys, "_base_executable", sys.executable)
        create = [uv, "venv", "--quiet", "--relocatable", "--no-project", "--python", base, venv]
        steps.run(create, folder=app, remedy="see the lines above")
    arguments = _arguments(steps, app)
    if arguments is None:
        return
    marker = "pyproject.toml" if arguments == ["."] else arguments[-1]
    with steps.step("dependencies", f"Installing dependencies from {marker}"):
        python = venv / "bin" / "python"
        argv: list[str | Path] = [uv, "pip", "install", "--python", python, "--no-progress", *arguments]
        steps.run(argv, folder=app, remedy="see the lines above for the package that cannot be installed")
        _remove_build_metadata(venv)


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


def _remove_build_metadata(venv: Path) -> None:
    for name in _BUILD_METADATA:
        for path in venv.glob(f"lib/python*/site-packages/*.dist-info/{name}"):
            record = path.parent / "RECORD"
            if not _is_inside(path.parent, venv) or record.is_symlink():
                continue
            path.unlink()
            lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
            # The file may be a hard link into uv's cache: write a new one instead of changing it.
            record.unlink()
            record.write_text("".join(line for line in lines if f"/{name}," not in line), encoding="utf-8")


_OF_THE_PLATFORM = frozenset({"PYTHONPATH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"})


# One build as a process: the job is JSON on its standard input, the outcome is `result.json` in the work folder.


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where programs that run an app's code are confined; `cache` is the app's own, for what they download."""

    kind: IsolationKind
    home: str
    cache: str
    user: int
    reads: tuple[str, ...]
    limits: Limits

    def command(self, job: "Job", argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Sequence[str]:
        """Return the command that runs a program confined to the draft of the image and the cache."""
        work, cache = Path(job.work), Path(self.cache)
        isolation = Isolation(
            kind=self.kind, home=Path(self.home), has_overlays=False, users=range(0), reads=tuple(self.reads)
        )
        box = Box(
            work=work / "box",
            user=self.user,
            reads=(Path(job.tools), Path(job.uv)),
            writes=(work / "image", work / "tmp", cache),
            limits=self.limits,
        )
        own = {"HOME": str(cache), "TMPDIR": str(work / "tmp"), "UV_CACHE_DIR": str(cache / "uv")}
        variables = {name: value for name, value in environment.items() if name not in _OF_THE_PLATFORM}
        # No file of an image is one of the cache, in which the app's next build may write.
        given = {**variables, **own, "UV_LINK_MODE": "copy"}
        spec = isolation.launch(box, argv=argv, folder=folder, environment=given)
        write_private(work / "step.json", json.dumps(spec))
        return (sys.executable, "-I", "-S", str(LAUNCH), str(work / "step.json"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to build and where; paths are absolute.

    The repository is in `folder`, or at `clone_url` where that is empty. `trusted` and `internal` are as in GitHosts.
    """

    clone_url: str
    folder: str
    trusted: Sequence[str]
    internal: Sequence[str]
    ref: str
    sha: str
    work: str
    log: str
    images: str
    uv: str
    tools: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of a build: a digest, or the step that failed and the reason."""

    digest: str = ""
    processes: dict[str, str] | None = None
    step: str = ""
    reason: str = ""


def build(job: Job, steps: Steps) -> Outcome:
    """Fetch the commit, detect the language, build and store the image. Raises StepFailed."""
    draft = Path(job.work) / "image"
    draft.mkdir()
    app = draft / "app"
    fetch(steps, _source(job, steps), sha=job.sha, folder=app)
    with steps.step("detect", "Detecting the language"):
        plan = detect(app)
        steps.log.line(f"{plan.kind.value}, because of {plan.marker}")
    _install(plan, job, steps, draft)
    give(draft, os.getuid())
    with steps.step("image", "Storing the image"):
        manifest = Manifest(kind=plan.kind.value, processes=plan.processes)
        is_shared = bool(job.place.user) and job.place.kind == "namespaces"
        digest = store_image(draft, manifest, Path(job.images), is_shared=is_shared)
        for kind, command in plan.processes.items():
            steps.log.line(f"{kind}: {command}")
    return Outcome(digest=digest, processes=plan.processes)


def _source(job: Job, steps: Steps) -> Source:
    """Return what to fetch from. Raises StepFailed when the platform may not."""
    if job.folder:
        return folder_source(job.folder, job.ref)
    with steps.step("fetch", "Checking the repository's URL"):
        hosts = git_hosts(internal=job.internal, trusted=job.trusted)
        return url_source(job.clone_url, job.ref, hosts=hosts, environment=steps.environment)


def _install(plan: Plan, job: Job, steps: Steps, draft: Path) -> None:
    give(draft, job.place.user)
    if plan.kind is Kind.PYTHON:
        build_python(steps, app=draft / "app", venv=draft / "venv", uv=Path(job.uv))
    elif plan.kind is Kind.NODE:
        build_node(steps, app=draft / "app", tools=Path(job.tools))


def main() -> None:
    """Build the job on the standard input."""
    given = json.load(sys.stdin)
    place = given.pop("place")
    job = Job(**given, place=Place(**{**place, "limits": Limits(**place["limits"])}))
    secrets = url_secrets(job.clone_url)
    log = BuildLog(Path(job.log), secrets=secrets)
    environment = dict(os.environ)  # noqa: TID251 - the runner made it, without settings of the platform
    try:
        confine = partial(job.place.command, job)
        outcome = build(job, Steps(log=log, environment=environment, confine=confine))
    except StepFailed as error:
        outcome = Outcome(step=error.step, reason=redacted(str(error), secrets))
        log.line(f"Failed: {outcome.reason}")
    shutil.rmtree(Path(job.work) / "image", ignore_errors=True)
    write_private(Path(job.work) / "result.json", json.dumps(asdict(outcome)))


if __name__ == "__main__":
    main()
