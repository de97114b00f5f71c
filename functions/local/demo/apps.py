"""Requests to an app at a known address, verified against its CA: no resolver is needed."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

import httpx

_SECONDS = 10


@dataclass(kw_only=True)
class AppClient:
    """One kept connection to one app."""

    host: str
    port: int
    ca: Path
    address: str = "127.0.0.1"
    _client: httpx.Client | None = field(default=None, repr=False)

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text; status 0 and the reason when there was no answer."""
        if self._client is None:
            context = ssl.create_default_context(cafile=str(self.ca))
            self._client = httpx.Client(verify=context, timeout=_SECONDS, trust_env=False)
        try:
            answer = self._client.get(
                f"https://{self.address}:{self.port}{path}",
                headers={"Host": f"{self.host}:{self.port}"},
                extensions={"sni_hostname": self.host},
            )
        except httpx.HTTPError as error:
            return 0, f"{type(error).__name__}: {error}"
        return answer.status_code, answer.text

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
