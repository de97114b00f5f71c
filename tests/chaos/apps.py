"""Apps under test: a clone each, and pushes for which the forge sends no webhook."""

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from functions.local.platform.run import Platform
from tests.chaos.webhooks import Push
from tests.patience import patient

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "hello"
_SILENT = "git -c core.hooksPath=/dev/null receive-pack"  # the test sends the webhooks itself
ZERO = "0" * 40


@dataclass(kw_only=True)
class ChaosApp:
    """`commits` are the shas pushed, oldest first."""

    name: str
    clone: Path
    repository: Path
    clone_url: str
    commits: list[str] = field(default_factory=list)

    def push(self) -> Push:
        """Commit and push one more change, and return what the forge would report."""
        (self.clone / "CHANGE").write_text(f"{len(self.commits) + 1}\n")
        self._git("add", "--all")
        self._git("-c", "user.name=dev", "-c", "user.email=dev@example.com", "commit", "--quiet", "-m", "change")
        self._git("push", "--quiet", f"--receive-pack={_SILENT}", str(self.repository), "HEAD:refs/heads/main")
        before = self.commits[-1] if self.commits else ZERO
        self.commits.append(self._git("rev-parse", "HEAD").strip())
        return Push(app=self.name, clone_url=self.clone_url, before=before, after=self.commits[-1])

    def _git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.clone), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=patient(60)).stdout


def create(platform: Platform, folder: Path, name: str) -> ChaosApp:
    """Create the app through the API, and a clone with the example in it."""
    answer = httpx.post(
        f"{platform.endpoints.gateway}/v1/apps",
        json={"name": name},
        headers={"Authorization": f"Bearer {platform.endpoints.token}"},
        timeout=patient(30),
        trust_env=False,
    )
    answer.raise_for_status()
    clone = folder / name
    shutil.copytree(EXAMPLE, clone)
    subprocess.run(["git", "init", "--quiet", "-b", "main", str(clone)], check=True, timeout=patient(60))
    repository = platform.home / "git" / "slipway" / f"{name}.git"
    return ChaosApp(name=name, clone=clone, repository=repository, clone_url=answer.json()["git_url"])
