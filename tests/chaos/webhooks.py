"""Sends signed webhooks shaped like Forgejo's, each several times, at random times, partly in parallel."""

import hashlib
import hmac
import json
import random
import threading
import time
import uuid
from dataclasses import dataclass, field

import httpx

from tests.patience import patient

COPIES = 3
_SPREAD_SECONDS = 4.0
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One change of one branch, as the forge reports it."""

    app: str
    clone_url: str
    before: str
    after: str
    branch: str = "main"

    def payload(self) -> bytes:
        """Return the body of the webhook."""
        name = f"slipway/{self.app}"
        repository = {"id": 1, "name": self.app, "full_name": name, "clone_url": self.clone_url}
        commit = {"id": self.after, "message": "change", "added": [], "removed": [], "modified": ["server.py"]}
        return json.dumps(
            {
                "ref": f"refs/heads/{self.branch}",
                "before": self.before,
                "after": self.after,
                "commits": [commit],
                "total_commits": 1,
                "head_commit": commit,
                "repository": repository | {"ssh_url": "", "html_url": "", "default_branch": "main"},
                "pusher": {"login": "dev"},
                "sender": {"login": "dev"},
            }
        ).encode()


@dataclass(kw_only=True)
class Sender:
    """Sends until each copy is answered 2xx, as a forge that retries would; `refused` should stay empty."""

    gateway: str
    secret: str
    chance: random.Random
    refused: list[str] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def send(self, push: Push) -> None:
        """Start sending all copies of one delivery; returns at once."""
        body, delivery = push.payload(), str(uuid.uuid4())
        headers = {
            "Content-Type": "application/json",
            "X-Forgejo-Event": "push",
            "X-Forgejo-Delivery": delivery,
            "X-Forgejo-Signature": hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest(),
        }
        together = self.chance.uniform(0, _SPREAD_SECONDS)
        for copy in range(COPIES):
            delay = together if copy and self.chance.random() < 0.5 else self.chance.uniform(0, _SPREAD_SECONDS)
            thread = threading.Thread(target=self._deliver, args=(body, headers, delay), daemon=True)
            thread.start()
            self._threads.append(thread)

    def wait(self) -> None:
        """Return when every copy is answered or given up."""
        for thread in self._threads:
            thread.join()

    def _deliver(self, body: bytes, headers: dict[str, str], delay: float) -> None:
        time.sleep(delay)
        deadline, last = time.monotonic() + patient(_PATIENCE_SECONDS), ""
        while time.monotonic() < deadline:
            try:
                answer = httpx.post(
                    f"{self.gateway}/v1/webhooks/forgejo",
                    content=body,
                    headers=headers,
                    timeout=patient(10),
                    trust_env=False,
                )
                if answer.is_success:
                    return
                last = f"{answer.status_code} {answer.text}"
            except httpx.HTTPError as error:
                last = repr(error)
            time.sleep(0.3)
        self.refused.append(last)
