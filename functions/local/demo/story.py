"""The demo: create an app, push it, open it; push again under load, and count the answers."""

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
from functions.local.demo.traffic import AppClient, probing, split
from functions.local.instance import Endpoints
from functions.local.platform.programs import binary
from functions.local.platform.run import Platform

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "hello"
RATE = 50.0


class DemoError(Exception):
    """The demo did not go as it should; the text says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """The demo on a platform that is ready; `folder` is where the clone goes."""

    screen: Screen
    folder: Path
    platform: Platform

    def run(self) -> None:
        """Run it. Raises DemoError when something is not as it should be."""
        developer = Developer(screen=self.screen, clone=self.folder / "hello")
        developer.start_project()
        self.screen.say(developer.paas("apps", "create", "hello").rstrip())
        self._first_push(developer)
        self._push_under_load(developer)
        self._further_commands(developer)

    def _first_push(self, developer: "Developer") -> None:
        sha = developer.commit("Say hello")
        developer.push()
        url = self._follow(sha).until_live()
        client = self._client(url)
        self.screen.say(f"\n$ curl --cacert {self.platform.endpoints.ca} {url}", style="bold")
        status, text = client.get("/")
        client.close()
        self.screen.say(text.rstrip())
        if status != httpx.codes.OK or sha not in text:
            msg = f"{url} answered {status} without the commit {sha}: {text[:200]}"
            raise DemoError(msg)

    def _push_under_load(self, developer: "Developer") -> None:
        self.screen.say(f"\nNow a second commit, while a client sends {RATE:.0f} requests a second.")
        developer.edit("app.py", "Hello from", "Hello again from")
        sha = developer.commit("Say hello again")
        at = self.platform.endpoints
        with probing(host="hello.localhost", port=at.apps_port, ca=Path(at.ca), rate=RATE) as probe:
            developer.push()
            follower = self._follow(sha)
            follower.until_live()
        answers = sorted(probe.answers, key=lambda answer: answer.at)
        self._show_split(split(answers, follower.weights, lambda answer: sha in answer.text))
        failed = [answer for answer in answers if answer.failed]
        self.screen.say(f"\n{len(answers)} requests, {len(failed)} failed.")
        if failed:
            msg = f"{len(failed)} requests failed, the first: {failed[0].status} {failed[0].text[:200]}"
            raise DemoError(msg)
        if sha not in answers[-1].text:
            msg = "the last answer is not from the new commit"
            raise DemoError(msg)

    def _show_split(self, shares: Mapping[int, float]) -> None:
        self.screen.say("\n  Weight of the new release   Its share of the answers")
        for weight, share in shares.items():
            self.screen.say(f"  {weight:23d} %   {share:22.1f} %")

    def _further_commands(self, developer: "Developer") -> None:
        self.screen.say(developer.paas("releases").rstrip())
        self.screen.say(
            "\nTo try it yourself, run `task up` in one terminal, and in another, in a git repository with an app:\n\n"
            f"  alias paas={binary('paas')}\n"
            "  paas apps create NAME     creates the app\n"
            "  git push paas main        builds it and brings it live\n"
            "  paas logs --tail          shows the logs of builds and processes\n"
            "  paas explain SHA          shows what happened to a push, and why\n"
            "  paas rollback             returns to the release before, without a build\n\n"
            "docs/architecture.md describes what happens on a push."
        )

    def _follow(self, sha: str) -> "Follower":
        return Follower(screen=self.screen, endpoints=self.platform.endpoints, sha=sha)

    def _client(self, url: str) -> AppClient:
        at, parts = self.platform.endpoints, urlsplit(url)
        return AppClient(host=parts.hostname or "", port=at.apps_port, ca=Path(at.ca))


_COMMAND_SECONDS = 120
_AUTHOR = ("-c", "user.name=you", "-c", "user.email=you@example.com", "-c", "commit.gpgsign=false")


@dataclass(frozen=True, slots=True, kw_only=True)
class Developer:
    """Runs git and paas in a clone of the example, and shows the commands."""

    screen: Screen
    clone: Path

    def start_project(self) -> None:
        """Create a repository with the example in it."""
        shutil.copytree(EXAMPLE, self.clone)
        self.run("git", "init", "--quiet", "--initial-branch=main", shown=False)
        self.run("git", "config", "push.pushOption", "nowait", shown=False)  # the demo itself shows what follows

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file."""
        file = self.clone / name
        file.write_text(file.read_text().replace(old, new))

    def commit(self, message: str) -> str:
        """Commit everything, and return the hash."""
        self.run("git", "add", "--all", shown=False)
        self.run("git", *_AUTHOR, "commit", "--quiet", "--message", message, shown=False)
        return self.run("git", "rev-parse", "HEAD", shown=False).strip()

    def paas(self, *arguments: str) -> str:
        """Run the paas command, which finds the platform by .slipway/endpoints.json, and return its output."""
        self.screen.say(f"\n$ paas {' '.join(arguments)}", style="bold")
        return self.run(sys.executable, "-m", "functions.cli.main", *arguments, shown=False)

    def push(self) -> None:
        """Push to the platform, and show its messages."""
        output = self.run("git", "push", "paas", "main")
        for line in output.splitlines():
            if line.startswith("remote:") and line.removeprefix("remote:").strip():
                self.screen.say(f"  {line.rstrip()}", style="dim")

    def run(self, *command: str, shown: bool = True) -> str:
        """Run a command in the clone, and return its output. Raises DemoError when it fails."""
        if shown:
            self.screen.say(f"\n$ {' '.join(command)}", style="bold")
        ran = subprocess.run(
            command,
            cwd=self.clone,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        if ran.returncode:
            msg = f"`{' '.join(command)}` failed with exit code {ran.returncode}:\n{ran.stdout[-2000:]}"
            raise DemoError(msg)
        return ran.stdout


_POLL_SECONDS = 0.1
_PUSH_SECONDS = 180.0


@dataclass(kw_only=True)
class Follower:
    """Follows a push through the API, and shows its steps; `weights` are the times at which weights were set."""

    screen: Screen
    endpoints: Endpoints
    sha: str
    weights: list[tuple[float, int]] = field(default_factory=list)
    _shown: set[tuple[str, ...]] = field(default_factory=set)

    def until_live(self) -> str:
        """Wait until the push is live, and return the app's URL. Raises DemoError when it ends otherwise."""
        deadline = time.monotonic() + _PUSH_SECONDS
        while time.monotonic() < deadline:
            app = self._read()
            if app and app["final"]:
                if app["state"] != "live":
                    msg = f"the push ended as {app['state']}: {app['step']} {app['reason']}"
                    raise DemoError(msg)
                return str(app["url"])
            time.sleep(_POLL_SECONDS)
        msg = f"the push {self.sha[:12]} did not end within {_PUSH_SECONDS:.0f} s"
        raise DemoError(msg)

    def _read(self) -> dict[str, Any] | None:
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
        for step in steps:  # a step can be recorded after a later one
            name = (step["event"], step["step"], step["state"])
            if name not in self._shown:
                self._shown.add(name)
                at = datetime.fromisoformat(step["at"])
                self._show(step, (at - begun).total_seconds(), at.timestamp())
        return app

    def _show(self, step: dict[str, Any], seconds: float, at: float) -> None:
        weight = step["details"].get("weight")
        if step["state"] == "shifting" and weight:
            self.weights.append((at, int(weight)))
            self.screen.step(f"{weight:3d} % of the traffic goes to the new release", seconds)
        elif step["state"] != "live" or "url" in step["details"]:  # the deployer reports it too, without the URL
            self.screen.step(f"{step['step']} {step['state']} {_detail(step)}".rstrip(), seconds)


def _detail(step: dict[str, Any]) -> str:
    details = step["details"]
    return str(step["reason"] or details.get("url") or details.get("digest", "")[:19] or details.get("host", ""))
