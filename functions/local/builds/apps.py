"""Builds Python, Node and static apps: `python -m functions.local.builds.apps` is the process of one build."""

import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from functions.common.adapters.addresses import git_hosts
from functions.common.domain.declared import declared as declared_by
from functions.common.domain.declared import unread
from functions.common.errors import Rejected
from functions.local.builds.context import Built, Context
from functions.local.builds.dependencies import Dependencies
from functions.local.builds.detect import Kind, check_root, declared_processes, detect, processes_of
from functions.local.builds.fetch import Source, Sources, fetch
from functions.local.builds.image import Manifest, check_folders, store_image
from functions.local.builds.node import build_node
from functions.local.builds.python import build_python
from functions.local.builds.site import build_site, refuse_links
from functions.local.builds.steps import BuildLog, StepFailed, Steps, redacted, url_secrets
from functions.local.builds.submodules import Completion
from functions.local.builds.toolchain import Toolchain
from functions.local.files import remove_tree, write_private
from functions.local.sandbox.isolation import LAUNCH, Box, Isolation, IsolationKind, Limits, give

_SECRET_NAME = re.compile(r"SECRET|TOKEN|PASS|CREDENTIAL|PRIVATE|DSN|DATABASE|(_|\b)KEY(_|\b)|_AUTH\Z", re.IGNORECASE)
_SECRET_LENGTH = 6  # a shorter one is found in other words, and guessed
_FIXED = frozenset({"PATH", "VIRTUAL_ENV", "LD_PRELOAD", "LD_LIBRARY_PATH"})  # the build itself needs its own
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

    def command(
        self, job: "Job", argv: Sequence[str], folder: Path, environment: Mapping[str, str], reads: Sequence[str]
    ) -> Sequence[str]:
        """Return the command that runs a program confined to the draft of the image and the cache; it sees `reads`."""
        work, cache = Path(job.work), Path(self.cache)
        isolation = Isolation(
            kind=self.kind, home=Path(self.home), has_overlays=False, users=range(0), reads=tuple(self.reads)
        )
        box = Box(
            work=work / "box",
            user=self.user,
            reads=(Path(job.tools), Path(job.uv), *map(Path, reads)),
            writes=(work / "image", work / "tmp", cache),
            limits=self.limits,
        )
        own = {"HOME": str(cache), "TMPDIR": str(work / "tmp"), "UV_CACHE_DIR": str(cache / "uv")}
        variables = {name: value for name, value in environment.items() if name not in _OF_THE_PLATFORM}
        # No file of an image is one of the cache, in which the app's next build may write.
        config = {name: value for name, value in job.config.items() if name not in _FIXED}
        given = {**variables, **config, **own, "UV_LINK_MODE": "copy"}
        spec = isolation.launch(box, argv=argv, folder=folder, environment=given)
        write_private(work / "step.json", json.dumps(spec))
        return (sys.executable, "-I", "-S", str(LAUNCH), str(work / "step.json"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to build and where; paths are absolute.

    The repository is in `folder`, or at `clone_url` where that is empty. `trusted` and `internal` are as in GitHosts;
    `git_url`, `git_folder`, `readable` and `closed` as in Sources. `root` is the app's folder in the repository, empty
    for the top.
    """

    clone_url: str
    folder: str
    git_url: str
    git_folder: str
    readable: Sequence[str]
    closed: Sequence[str]
    trusted: Sequence[str]
    internal: Sequence[str]
    ref: str
    sha: str
    root: str
    work: str
    log: str
    images: str
    uv: str
    tools: str
    place: Place
    config: Mapping[str, str] = field(default_factory=dict, repr=False)
    dependencies: str = ""


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
    _fetch(job, steps, app)
    steps = replace(steps, check=partial(check_folders, draft, root=job.root))
    context = _context(job, steps, draft)
    with steps.step("detect", "Detecting the language"):
        check_root(app, job.root)
        kind, marker = detect(context.tree)
        declared = declared_processes(context.tree)
        wanted = _wanted(context)
        steps.log.line(f"{kind.value}, because of {marker}")
    give(draft, job.place.user)
    built = _BUILDERS[kind](replace(context, procfile=declared))
    give(draft, os.getuid())
    with steps.step("processes", "Processes of the app"):
        processes, built, context = _processes(context, kind, declared, built)
    with steps.step("image", "Storing the image"):
        outcome = _stored(job, draft, kind, processes, built, root=context.root, declared=wanted)
    if built.installed:
        context.dependencies.note(built.key, outcome.digest, str(built.installed.relative_to(draft)))
    return outcome


def _context(job: Job, steps: Steps, draft: Path) -> Context:
    images = Path(job.images)
    return Context(
        steps=steps,
        toolchain=Toolchain(steps=steps, tools=Path(job.tools), uv=Path(job.uv), drafts=draft.parent),
        dependencies=Dependencies(folder=Path(job.dependencies), images=images, user=job.place.user, steps=steps),
        checkout=draft / "app",
        app=draft / "app" / job.root,
        venv=draft / "venv",
    )


def _wanted(context: Context) -> dict[str, Any]:
    """Return what the app's app.json declares, and say what of it is not read. Raises Rejected."""
    found = context.tree.json("app.json")
    for line in unread(found):
        context.steps.log.line(line)
    return declared_by(found).as_json()


def _processes(
    context: Context, kind: Kind, declared: dict[str, str], built: Built
) -> tuple[dict[str, str], Built, Context]:
    """Return the processes, and the build and its folders as the image will hold them."""
    has_procfile = context.tree.has("Procfile")
    if built.site and not declared and built.site.folder != ".":
        # What made the site is not needed any more: the image is the site.
        if built.installed:
            context.dependencies.keep(built.key, built.installed)
        context = _keep_only(context, built.site.folder)
        built = replace(built, site=replace(built.site, folder="."), installed=None)
    processes = processes_of(declared, built, kind, has_procfile=has_procfile)
    for name, command in processes.items():
        because = f" (because of {built.because})" if name not in declared and built.because else ""
        context.steps.log.line(f"{name}: {command}{because}")
    return processes, built, context


def _keep_only(context: Context, folder: str) -> Context:
    kept, site = context.checkout.with_name("site"), Path(os.path.realpath(context.app / folder))
    refuse_links(site, context.checkout)
    if site == Path(os.path.realpath(context.checkout)):  # a link to all that there is
        return context
    site.rename(kept)
    remove_tree(context.checkout)
    kept.rename(context.checkout)
    return replace(context, app=context.checkout)


def _stored(job: Job, draft: Path, kind: Kind, processes: dict[str, str], built: Built, **of_the_app: Any) -> Outcome:  # noqa: ANN401 - fields of Manifest
    manifest = Manifest(
        kind=kind.value,
        processes=processes,
        path=built.path,
        reads=built.reads,
        environment=dict(built.environment),
        **of_the_app,
    )
    is_shared = bool(job.place.user) and job.place.kind == "namespaces"
    digest = store_image(draft, manifest, Path(job.images), is_shared=is_shared)
    return Outcome(digest=digest, processes=processes)


def _fetch(job: Job, steps: Steps, app: Path) -> None:
    """Fetch the commit with all that belongs to it. Raises StepFailed, also when the platform may not."""
    sources = Sources(
        clone_url=job.clone_url,
        folder=job.folder,
        git_url=job.git_url,
        git_folder=Path(job.git_folder),
        hosts=git_hosts(internal=job.internal, trusted=job.trusted),
        readable=job.readable,
        closed=job.closed,
        environment=steps.environment,
    )
    source = _source(job, steps, sources)
    tree = fetch(steps, source, sha=job.sha, folder=app)
    Completion(steps=steps, sources=sources).complete(tree, source, app)


def _source(job: Job, steps: Steps, sources: Sources) -> Source:
    if job.folder:
        return sources.app(job.ref)
    with steps.step("fetch", "Checking the repository's URL"):
        return sources.app(job.ref)


_BUILDERS: Mapping[Kind, Callable[[Context], Built]] = {
    Kind.PYTHON: build_python,
    Kind.NODE: build_node,
    Kind.STATIC: build_site,
}


def secret_values(variables: Mapping[str, str]) -> tuple[str, ...]:
    """Return what no log may show, as the names of variables say: each line of their values, the longest first."""
    values = (value for name, value in variables.items() if _SECRET_NAME.search(name))
    lines = {line.strip() for value in values for line in value.splitlines()}
    return tuple(sorted((line for line in lines if len(line) >= _SECRET_LENGTH), key=len, reverse=True))


def _failed(log: BuildLog, step: str, reason: str) -> Outcome:
    log.line(f"Failed: {reason}")
    return Outcome(step=step, reason=reason)


def main() -> None:
    """Build the job on the standard input."""
    given = json.load(sys.stdin)
    place = given.pop("place")
    job = Job(**given, place=Place(**{**place, "limits": Limits(**place["limits"])}))
    environment = dict(os.environ)  # noqa: TID251 - the runner made it, without settings of the platform
    secrets = (*url_secrets(job.clone_url), *secret_values({**environment, **job.config}))
    log = BuildLog(Path(job.log), secrets=secrets)
    try:
        confine = partial(job.place.command, job)
        outcome = build(job, Steps(log=log, environment=environment, confine=confine))
    except StepFailed as error:
        outcome = _failed(log, error.step, redacted(str(error), secrets))
    except (Rejected, OSError, ValueError, RecursionError) as error:  # what a repository holds, between two steps
        outcome = _failed(log, "build", redacted(str(error), secrets))
    remove_tree(Path(job.work) / "image")
    write_private(Path(job.work) / "result.json", json.dumps(asdict(outcome)))


if __name__ == "__main__":
    main()
