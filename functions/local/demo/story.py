"""The story: create, push, see; push again under load, and count."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from functions.local.demo.apps import AppClient
from functions.local.demo.follow import Follower, StoryError
from functions.local.demo.person import CommandError, Person
from functions.local.demo.probe import Answer, probing, split
from functions.local.demo.screen import Screen
from functions.local.platform.run import Platform
from functions.local.platform.stores import binary

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
