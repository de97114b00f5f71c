"""The REST API that Forgejo and Gitea share, and what its refusals mean."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from functions.common.adapters.http_trust import trust
from functions.common.adapters.import_lock import IMPORT_LOCK
from functions.common.errors import Rejected, Unavailable

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GiteaApi:
    """The forge at `url`."""

    url: str
    token: str = field(repr=False)

    def call(
        self, method: str, path: str, *, query: dict[str, str] | None = None, body: dict[str, Any] | None = None
    ) -> "httpx.Response":
        """Return the answer to a call below /api/v1, whatever its status. Raises Unavailable when there is none."""
        with IMPORT_LOCK:
            import httpx  # noqa: PLC0415 - only those who talk to the forge need it

        headers = {"Authorization": f"token {self.token}"}
        url = f"{self.url.rstrip('/')}/api/v1{path}"
        try:
            answer = httpx.request(
                method, url, params=query, json=body, headers=headers, timeout=TIMEOUT_SECONDS, verify=trust(url)
            )
        except httpx.HTTPError as error:
            msg = f"the forge at {self.url} does not answer: {type(error).__name__}"
            raise Unavailable(msg) from error
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or (
            answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
        ):
            msg = f"the forge at {self.url} answers {answer.status_code} to {method} {path}; it is tried again"
            raise Unavailable(msg)
        return answer


def refuse(answer: "httpx.Response", what: str) -> Rejected:
    """Return the error for an answer that is no success; it names what was asked for and the remedy."""
    status = answer.status_code
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
        remedy = "give GITEA_TOKEN the scopes write:repository and write:organization, and see GITEA_DEFAULT_ORG"
        return Rejected(f"the forge answers {status} for {what}: {remedy}")
    try:
        said = str(answer.json().get("message", ""))
    except (ValueError, AttributeError):
        said = ""
    return Rejected(f"the forge refuses {what} with {status}: {said[:200]}")
