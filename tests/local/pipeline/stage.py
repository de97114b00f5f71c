"""One platform for all tests of the folder, and what one may see of it from outside."""

import ssl
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from functions.common.adapters.encryption import FernetCipher
from functions.common.adapters.postgres.client import Postgres
from functions.common.settings import Settings
from functions.local.demo.traffic import AppClient
from functions.local.instance import Endpoints, load
from functions.local.platform.run import Platform, running
from tests.local.sandboxed import sandbox_settings
from tests.local.waiting import until
from tests.patience import patient

Json = dict[str, Any]
_SETTINGS = {
    "SLIPWAY_CANARY_PAUSE": "0.2",
    "SLIPWAY_LOCAL_CLOCK": "2",
    "SLIPWAY_HEALTH_LIMIT": f"{patient(5):g}",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
}


@dataclass(slots=True, kw_only=True)
class Stage:
    """A platform with its state in `folder`/.slipway, so that `paas` finds it from the clones beside it."""

    folder: Path
    say: Callable[[str], None] = lambda _: None
    settings: Mapping[str, str] = field(default_factory=dict)
    _running: ExitStack = field(default_factory=ExitStack)
    _platform: Platform | None = None

    def start(self) -> None:
        """Start the platform, from the state that is there."""
        settings = Settings(environment={**_SETTINGS, **sandbox_settings(self.home), **self.settings})
        platform = running(self.home, default_ports=False, settings=settings, say=self.say)
        self._platform = self._running.enter_context(platform)

    def stop(self) -> None:
        """Stop it as Ctrl-C does."""
        self._running.close()

    @property
    def home(self) -> Path:
        """The state folder."""
        return self.folder / ".slipway"

    @property
    def platform(self) -> Platform:
        """The running platform."""
        assert self._platform
        return self._platform

    @property
    def at(self) -> Endpoints:
        """Its endpoints."""
        return self.platform.endpoints

    def http(self) -> httpx.Client:
        """Return a client that trusts what signs the certificate of the gateway: nobody, as this one has none."""
        # httpx would read the certificates of all authorities, 20 ms of each look at a push.
        return httpx.Client(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), timeout=patient(30), trust_env=False)

    def api(self, path: str, **query: str) -> httpx.Response:
        """GET from the API."""
        headers = {"Authorization": f"Bearer {self.at.token}"}
        with self.http() as http:
            return http.get(f"{self.at.gateway}/v1{path}", params=query, headers=headers)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        """POST somewhere, without a token."""
        with self.http() as http:
            return http.post(url, content=body, headers=dict(headers))

    def rows(self, sql: str, **values: object) -> list[list[Any]]:
        """Look into the database."""
        database = Postgres(self.at.database)
        try:
            return database.run(sql, **values)
        finally:
            database.close()

    def opened(self, sealed: str) -> str:
        """Return an encrypted text of the database."""
        instance = load(self.home)
        return FernetCipher(keys=[instance.config_key] if instance else []).open(sealed)

    def get(self, host: str, path: str = "/") -> tuple[int, str]:
        """Return what an app answers over HTTPS, verified against the CA; status 0 when it does not."""
        client = AppClient(host=f"{host}.localhost", port=self.at.apps_port, ca=Path(self.at.ca))
        try:
            return client.get(path)
        finally:
            client.close()

    def ended(self, sha: str, app: str, *, seconds: float = 40) -> Json:
        """Wait until the push of a commit has ended for an app, and return its part of the explanation."""
        return until(lambda: self._ended(sha, app), seconds=seconds, every=0.1, why=f"the end of {app} {sha}")

    def live(self, sha: str, app: str, *, seconds: float = 40) -> Json:
        """Wait until the push is live. Fails with the explanation when it ends otherwise."""
        found = self.ended(sha, app, seconds=seconds)
        assert found["state"] == "live", found
        return found

    def _ended(self, sha: str, app: str) -> Json | None:
        answer = self.api(f"/pushes/{sha}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        pushes: list[Json] = answer.raise_for_status().json()["pushes"]
        found: list[Json] = [one for push in pushes for one in push["apps"] if one["app"] == app]
        return found[0] if found and all(one["final"] for one in found) else None
