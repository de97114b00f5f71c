"""Prints what becomes of a push, for the user who waits for `git push` to end.

It imports the standard library alone, as webhook.py does. It reads the API with the platform's own token.
"""

import fcntl
import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

MAX_FOLLOWED = 16  # pushes that are followed at once
SECONDS = 900.0
_PAUSE_SECONDS = 0.4
_TIMEOUT_SECONDS = 6
_OK = 200
_SHORT_DIGEST = 19
_KEPT = "; the commits are stored, and what ran before runs on"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The API at a port of this machine."""

    port: int
    token: str = field(repr=False)

    def get(self, path: str) -> dict[str, Any] | None:
        """Return what is at a path, None when there is nothing or the API does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("GET", f"/v1{path}", headers={"Authorization": f"Bearer {self.token}"})
            answer = connection.getresponse()
            found = json.loads(answer.read())
        except (OSError, ValueError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return found if answer.status == _OK and isinstance(found, dict) else None


def is_wanted(api: Api, app: str) -> bool:
    """Return whether pushes of an app are followed; one of a repository that is no app's own is."""
    return bool((api.get(f"/apps/{quote(app, safe='')}") or {}).get("push_follow", True))


@dataclass(slots=True, kw_only=True)
class Follower:
    """Follows pushes by the ids of their events; of each only what concerns `app`, empty for every app.

    A user may push to a repository that feeds apps of others as well.
    """

    api: Api
    app: str
    say: Say
    pause: float = _PAUSE_SECONDS
    patience: float = 15.0  # seconds: then nothing takes the push for now
    silence: float = 15.0  # seconds: a line at least this often shows that the client is still there
    _shown: set[tuple[str, ...]] = field(default_factory=set)  # by event: steps appear in any order
    _offsets: dict[str, int] = field(default_factory=dict)
    _read: set[str] = field(default_factory=set)  # builds whose logs were printed to their ends
    _said_at: float = field(default_factory=time.monotonic)

    def follow(self, pushes: list[str], *, seconds: float = SECONDS) -> str:
        """Print what happens until every push has ended; return what to print last."""
        begun = time.monotonic()
        while (now := time.monotonic()) - begun < seconds:
            found = [self._look(push) for push in pushes]
            if all(one is True for one in found):
                return ""
            if all(one is None for one in found) and now - begun > self.patience:
                return "nothing has taken the push yet; it is stored and will be deployed"
            if now - self._said_at > self.silence:
                self._say(f"slipway: still under way ({now - begun:.0f} s; Ctrl-C stops watching, not the deployment)")
            time.sleep(self.pause)
        return f"still under way after {seconds:.0f} s"

    def _look(self, push: str) -> bool | None:
        """Print what is new of a push; return whether it has ended, None when it is not known yet."""
        answer = self.api.get(f"/pushes/{quote(push, safe='')}")
        views = (answer or {}).get("pushes") or []
        apps = [one for view in views for one in view.get("apps") or [] if self.app in {"", one.get("app")}]
        for one in apps:
            self._show(f"{push} {one['app']} {one['environment']}", one)
        if not apps:
            return None
        return all(one["final"] for one in apps)

    def _show(self, key: str, app: dict[str, Any]) -> None:
        for step in app["steps"][1:]:  # the receipt itself was printed
            name = (
                key,
                step["event"],
                step["step"],
                step["state"],
                step["reason"] if step["state"] == "queued" else "",
            )
            if name not in self._shown:
                self._shown.add(name)
                self._show_step(key, step)
        # A push can have ended a moment before its last events are recorded.
        if app["state"] == "live":
            self._live(key, app["url"])
            self._not_started(key, app["app"], app["environment"])
            return
        self._build_log()
        if app["final"]:
            where = f"slipway: {app['app']}/{app['environment']} {app['state']}"
            step, after = (f" at {app['step']}", _KEPT) if app["state"] == "failed" and app["step"] else ("", "")
            self._say(f"{where}{step}: {app['reason']}{after}".rstrip())

    def _show_step(self, key: str, step: dict[str, Any]) -> None:
        begins = (step["step"], step["state"]) == ("build", "running")
        if not begins:
            self._build_log()
        if (step["step"], step["state"]) == ("release", "live"):
            self._live(key, step["details"].get("url", ""))
        elif line := _line(step):
            self._say(line)
        if begins:
            self._build_log(step["details"].get("build", ""))

    def _live(self, key: str, url: str) -> None:
        if url and (key, url) not in self._shown:
            self._shown.add((key, url))
            self._say(f"slipway: live at {url}")

    def _not_started(self, key: str, app: str, environment: str) -> None:
        """Name once the processes that run only when they are scaled."""
        if (key, "processes") in self._shown:
            return
        self._shown.add((key, "processes"))
        where = f"/apps/{quote(app, safe='')}/deploy/status?environment={quote(environment, safe='')}"
        for one in (self.api.get(where) or {}).get("processes") or []:
            if one.get("start"):
                self._say(f"slipway: {one['name']} is not started: {one['start']}")

    def _build_log(self, build: str = "") -> None:
        """Print the new lines of this build's log, and of those that are printed already."""
        for name in {build, *self._offsets} - self._read - {""}:
            while answer := self.api.get(f"/builds/{quote(name, safe='')}/log?offset={self._offsets.get(name, 0)}"):
                self._offsets[name] = int(answer["next_offset"])
                for line in str(answer["text"]).splitlines():
                    self._say(line)
                if answer["ended"]:
                    self._read.add(name)
                if answer["ended"] or not answer["text"]:
                    break

    def _say(self, line: str) -> None:
        self._said_at = time.monotonic()
        self.say("".join(one if one.isprintable() else " " for one in line))


def _line(step: dict[str, Any]) -> str:
    """Return what to print of a step; empty for those that the build's log shows, or that say nothing new."""
    kind, details = (step["step"], step["state"]), step["details"]
    if kind == ("release", "shifting") and details.get("weight"):
        return f"slipway: {details['weight']} % of the traffic goes to release v{details.get('release', '')}"
    if kind == ("build", "queued"):
        return f"slipway: the build is queued: {step['reason']}"
    if kind == ("image", "published"):
        return f"slipway: built {str(details.get('digest', ''))[:_SHORT_DIGEST]}"
    if kind == ("release", "started"):
        return f"slipway: release v{details.get('release', '')} starts"
    return f"slipway: building, log: paas logs --build {details['build']}" if kind == ("build", "running") else ""


@contextmanager
def place(folder: Path) -> Iterator[bool]:
    """Hold one of the places for followers; False when all are taken."""
    for number in range(MAX_FOLLOWED):
        with (folder / f".follower-{number}").open("w") as file, suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield True
            return
    yield False
