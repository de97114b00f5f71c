"""Apps of a measurement: created by the API, with a clone that has the example app in it."""

import shutil
import subprocess
from pathlib import Path

import httpx

from tests.bench.checkout import HERE, Platform

EXAMPLE = HERE / "docs" / "examples" / "hello"


def create_app(platform: Platform, name: str) -> str:
    """Create an app and return the URL of its repository."""
    answer = httpx.post(
        f"{platform.endpoints.gateway}/v1/apps",
        json={"name": name},
        headers={"Authorization": f"Bearer {platform.endpoints.token}"},
        timeout=30,
        trust_env=False,
    )
    answer.raise_for_status()
    return str(answer.json()["git_url"])


def working_copy(platform: Platform, name: str) -> Path:
    """Return a new repository with the example app, its remote `paas` set."""
    clone = platform.place / name
    shutil.copytree(EXAMPLE, clone)
    git(clone, "init", "--quiet", "-b", "main")
    at = platform.endpoints
    server = at.git if "@" in at.git else at.git.replace("://", f"://bench:{at.token}@")  # "@": of an older version
    git(clone, "remote", "add", "paas", f"{server}/slipway/{name}.git")
    if "@" not in at.git:
        git(clone, "config", "push.pushOption", "nowait")
    return clone


def git(clone: Path, *arguments: str) -> str:
    """Run git in a clone and return its output."""
    command = ["git", "-C", str(clone), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
