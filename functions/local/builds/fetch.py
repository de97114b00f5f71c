"""Fetching one commit of a repository."""

import shutil
from pathlib import Path

from functions.local.builds.steps import StepFailed, Steps

_QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "GIT_LFS_SKIP_SMUDGE": "1"}


def fetch(steps: Steps, *, clone_url: str, ref: str, sha: str, folder: Path) -> None:
    """Put the commit's files, without .git, into the new folder. Raises StepFailed."""
    git = ["git", "-c", "safe.directory=*", "-c", "advice.detachedHead=false", "-c", "init.defaultBranch=main"]
    with steps.step("fetch", f"Fetching commit {sha[:12]} of {ref.removeprefix('refs/heads/')}"):
        steps.run([*git, "init", "--quiet", folder], folder=folder.parent, remedy="is git installed?", extra=_QUIET)
        try:
            _fetch(steps, [*git, "fetch", "--quiet", "--no-tags", "--depth=1", "--", clone_url, sha], folder)
        except StepFailed:
            # Some servers give only what a branch names: then the branch, with its history.
            _fetch(steps, [*git, "fetch", "--quiet", "--no-tags", "--", clone_url, ref], folder)
        remedy = f"commit {sha} is not in {ref}: was it replaced by a force push? Push again"
        steps.run([*git, "checkout", "--quiet", "--detach", sha], folder=folder, remedy=remedy, extra=_QUIET)
        shutil.rmtree(folder / ".git")


def _fetch(steps: Steps, argv: list[str | Path], folder: Path) -> None:
    remedy = "the repository cannot be read; check its URL and that the platform may read it"
    steps.run(argv, folder=folder, remedy=remedy, extra=_QUIET)
