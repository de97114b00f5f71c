"""Follows a push through the API and shows each step as it happens."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from functions.local.demo.screen import Screen
from functions.local.platform.endpoints import Endpoints

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
