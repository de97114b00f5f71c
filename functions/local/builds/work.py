"""One build, as a process of its own: `python -m functions.local.builds.work`, the order as JSON on stdin.

The result stands in `result.json` of the build's work folder; without it the build failed.
"""

import json
import os
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from functions.local.builds.detect import Kind, Plan, detect
from functions.local.builds.fetch import fetch
from functions.local.builds.image import Manifest, store_image
from functions.local.builds.log import BuildLog, redacted, url_secrets
from functions.local.builds.node_app import build_node
from functions.local.builds.python_app import build_python
from functions.local.builds.steps import StepFailed, Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one build process is told: paths are absolute."""

    clone_url: str
    ref: str
    sha: str
    work: str
    log: str
    images: str
    uv: str
    tools: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a build process leaves behind: a digest, or the step that failed and why."""

    digest: str = ""
    processes: dict[str, str] | None = None
    step: str = ""
    reason: str = ""


def build(job: Job, steps: Steps) -> Outcome:
    """Fetch, detect, build and store. Raises StepFailed."""
    draft = Path(job.work) / "image"
    draft.mkdir()
    app = draft / "app"
    fetch(steps, clone_url=job.clone_url, ref=job.ref, sha=job.sha, folder=app)
    with steps.step("detect", "Detecting the language"):
        plan = detect(app)
        steps.log.line(f"{plan.kind.value}, because of {plan.marker}")
    _install(plan, job, steps, draft)
    with steps.step("image", "Storing the image"):
        digest = store_image(draft, Manifest(kind=plan.kind.value, processes=plan.processes), Path(job.images))
        for kind, command in plan.processes.items():
            steps.log.line(f"{kind}: {command}")
    return Outcome(digest=digest, processes=plan.processes)


def _install(plan: Plan, job: Job, steps: Steps, draft: Path) -> None:
    if plan.kind is Kind.PYTHON:
        build_python(steps, app=draft / "app", venv=draft / "venv", uv=Path(job.uv))
    elif plan.kind is Kind.NODE:
        build_node(steps, app=draft / "app", tools=Path(job.tools))


def main() -> None:
    """Do the build that stdin asks for."""
    job = Job(**json.load(sys.stdin))
    secrets = url_secrets(job.clone_url)
    log = BuildLog(Path(job.log), secrets=secrets)
    environment = dict(os.environ)  # noqa: TID251 - the runner made it, holding nothing of the platform's
    try:
        outcome = build(job, Steps(log=log, environment=environment))
    except StepFailed as error:
        outcome = Outcome(step=error.step, reason=redacted(str(error), secrets))
        log.line(f"Failed: {outcome.reason}")
    result = Path(job.work) / "result.json"
    draft = result.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(outcome)), encoding="utf-8")
    draft.rename(result)
    shutil.rmtree(Path(job.work) / "image", ignore_errors=True)


if __name__ == "__main__":
    main()
