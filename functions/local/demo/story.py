"""What the demo shows, step by step."""

import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from functions.local.demo.screen import Screen
from functions.local.demo.traffic import Answer, AppClient, probing, split
from functions.local.instance import Endpoints
from functions.local.platform.programs import binary
from functions.local.platform.run import Platform

# What a person would type: git and paas in a clone of the example.

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "hello"
_SECONDS = 120
_AUTHOR = ("-c", "user.name=you", "-c", "user.email=you@example.com", "-c", "commit.gpgsign=false")


class CommandError(Exception):
    """A command of the story failed; the text has its last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody at a terminal, in `clone`."""

    screen: Screen
    clone: Path

    def start_project(self) -> None:
        """Make a repository with the example in it."""
        shutil.copytree(EXAMPLE, self.clone)
        self.run("git", "init", "--quiet", "--initial-branch=main", shown=False)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file."""
        file = self.clone / name
        file.write_text(file.read_text().replace(old, new))

    def commit(self, message: str) -> str:
        """Commit everything, and return the sha."""
        self.run("git", "add", "--all", shown=False)
        self.run("git", *_AUTHOR, "commit", "--quiet", "--message", message, shown=False)
        return self.run("git", "rev-parse", "HEAD", shown=False).strip()

    def paas(self, *arguments: str) -> str:
        """Run the paas command of this installation; it finds the platform by .slipway/endpoints.json."""
        self.screen.say(f"\n$ paas {' '.join(arguments)}", style="bold")
        return self.run(sys.executable, "-m", "functions.cli.main", *arguments, shown=False)

    def push(self) -> None:
        """Push to the platform, showing what git says of the remote."""
        said = self.run("git", "push", "paas", "main")
        for line in said.splitlines():
            if line.startswith("remote:") and line.removeprefix("remote:").strip():
                self.screen.say(f"  {line.rstrip()}", style="dim")

    def run(self, *command: str, shown: bool = True) -> str:
        """Run a command in the clone and return what it printed. Raises CommandError when it fails."""
        if shown:
            self.screen.say(f"\n$ {' '.join(command)}", style="bold")
        ran = subprocess.run(
            command, cwd=self.clone, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=_SECONDS, check=False,
        )  # fmt: skip
        if ran.returncode:
            msg = f"`{' '.join(command)}` failed with {ran.returncode}:\n{ran.stdout[-2000:]}"
            raise CommandError(msg)
        return ran.stdout


# Follows a push through the API and shows each step as it happens.

_LOOK_SECONDS = 0.1
_PATIENCE_SECONDS = 180.0


class StoryError(Exception):
    """The story did not go as told; the text says where."""


@dataclass(kw_only=True)
class Follower:
    """Shows the steps of one push; `weights` are the times at which the new release got its share."""

    screen: Screen
    endpoints: Endpoints
    sha: str
    weights: list[tuple[float, int]] = field(default_factory=list)
    _shown: int = 0

    def until_live(self) -> str:
        """Return the app's URL when the push is live. Raises StoryError when it ends otherwise, or never."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            app = self._look()
            if app and app["final"]:
                if app["state"] != "live":
                    msg = f"the push ended as {app['state']}: {app['step']} {app['reason']}"
                    raise StoryError(msg)
                return str(app["url"])
            time.sleep(_LOOK_SECONDS)
        msg = f"the push {self.sha[:12]} did not end within {_PATIENCE_SECONDS:.0f} s"
        raise StoryError(msg)

    def _look(self) -> dict[str, Any] | None:
        answer = httpx.get(
            f"{self.endpoints.gateway}/v1/pushes/{self.sha}",
            headers={"Authorization": f"Bearer {self.endpoints.token}"},
            timeout=10,
            trust_env=False,
        )
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        app: dict[str, Any] = answer.raise_for_status().json()["pushes"][0]["apps"][0]
        steps = app["steps"]
        begun = datetime.fromisoformat(steps[0]["at"])
        for step in steps[self._shown :]:
            at = datetime.fromisoformat(step["at"])
            self._show(step, (at - begun).total_seconds(), at.timestamp())
        self._shown = len(steps)
        return app

    def _show(self, step: dict[str, Any], seconds: float, at: float) -> None:
        weight = step["details"].get("weight")
        if step["state"] == "shifting" and weight:
            self.weights.append((at, int(weight)))
            self.screen.step(f"{weight:3d} % of the traffic goes to the new release", seconds)
        elif step["state"] != "live" or "url" in step["details"]:  # the deployer says so first, without the URL
            self.screen.step(f"{step['step']} {step['state']} {_about(step)}".rstrip(), seconds)


def _about(step: dict[str, Any]) -> str:
    details = step["details"]
    return str(step["reason"] or details.get("url") or details.get("digest", "")[:19] or details.get("host", ""))


# The story: create, push, see; push again under load, and count.

__all__ = ["Story", "StoryError"]
RATE = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Told once, on a platform that answers."""

    screen: Screen
    folder: Path
    platform: Platform

    def tell(self) -> None:
        """Tell it. Raises StoryError when something is not as it should be."""
        person = Person(screen=self.screen, clone=self.folder / "hello")
        try:
            person.start_project()
            self.screen.say(person.paas("apps", "create", "hello").rstrip())
            self._first_push(person)
            self._push_under_load(person)
            self._look_around(person)
        except CommandError as error:
            raise StoryError(str(error)) from error

    def _first_push(self, person: Person) -> None:
        sha = person.commit("Say hello")
        person.push()
        url = self._follow(sha).until_live()
        client = self._client(url)
        self.screen.say(f"\n$ curl --cacert {self.platform.endpoints.ca} {url}", style="bold")
        status, text = client.get("/")
        client.close()
        self.screen.say(text.rstrip())
        if status != 200 or sha not in text:  # noqa: PLR2004 - HTTP's OK
            msg = f"{url} answered {status} without the commit {sha}: {text[:200]}"
            raise StoryError(msg)

    def _push_under_load(self, person: Person) -> None:
        self.screen.say(f"\nNow a second commit, while a client sends {RATE:.0f} requests a second.")
        person.edit("app.py", "Hello from", "Hello again from")
        sha = person.commit("Say hello again")
        at = self.platform.endpoints
        with probing(host="hello.localhost", port=at.apps_port, ca=Path(at.ca), rate=RATE) as probe:
            person.push()
            follower = self._follow(sha)
            follower.until_live()
        answers = sorted(probe.answers, key=lambda answer: answer.at)
        self._show_split(split(answers, follower.weights, lambda answer: sha in answer.text))
        failed = [answer for answer in answers if answer.failed]
        self.screen.say(f"\n{len(answers)} requests, {len(failed)} failed.")
        self._judge(answers, failed, sha)

    def _judge(self, answers: list[Answer], failed: list[Answer], sha: str) -> None:
        if failed:
            msg = f"{len(failed)} requests failed, the first: {failed[0].status} {failed[0].text[:200]}"
            raise StoryError(msg)
        if sha not in answers[-1].text:
            msg = "the last answer is not the new commit's"
            raise StoryError(msg)

    def _show_split(self, shares: Mapping[int, float]) -> None:
        self.screen.say("\n  asked for   answered by the new release")
        for weight, share in shares.items():
            self.screen.say(f"  {weight:7d} %   {share:5.1f} %")

    def _look_around(self, person: Person) -> None:
        self.screen.say(person.paas("releases").rstrip())
        self.screen.say(
            "\nTo go on by yourself: `task up` in one terminal; in another, inside a git repository with an app:\n"
            f"  alias paas={binary('paas')}\n"
            "  paas apps create NAME     then  git push paas main\n"
            "  paas logs --tail          build and runtime logs together\n"
            "  paas explain SHA          what happened to a push, and why\n"
            "  paas rollback             the release before, without a build\n"
            "docs/architecture.md shows how a push goes through."
        )

    def _follow(self, sha: str) -> Follower:
        return Follower(screen=self.screen, endpoints=self.platform.endpoints, sha=sha)

    def _client(self, url: str) -> AppClient:
        at, parts = self.platform.endpoints, urlsplit(url)
        return AppClient(host=parts.hostname or "", port=at.apps_port, ca=Path(at.ca))
