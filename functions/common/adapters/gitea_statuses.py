"""Commit statuses by the REST API that Forgejo and Gitea share."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from functions.common.adapters.http_trust import trust
from functions.common.adapters.import_lock import IMPORT_LOCK
from functions.common.adapters.repository_address import owner_and_name
from functions.common.errors import NotFound, Rejected, Unavailable

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS = 5.0
ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class GiteaStatuses:
    """CommitStatuses of the forge at `url`; the token needs the scope write:repository."""

    url: str
    token: str = field(repr=False)

    def post(self, repository: str, sha: str, *, state: str, description: str, context: str, target_url: str) -> None:
        """Set a commit's status; a repository of another forge is left to others.

        Raises NotFound when the forge has no such repository or commit, Rejected when it refuses.
        """
        found = owner_and_name(repository, base_url=self.url)
        if found is None:
            return
        full_name = "/".join(quote(part, safe="") for part in found)
        base, commit = f"{self.url.rstrip('/')}/api/v1/repos/{full_name}", quote(sha, safe="")
        fields = {"state": state, "description": description, "context": context, "target_url": target_url}
        answer = self._call("POST", f"{base}/statuses/{commit}", fields)
        if answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:  # what Gitea says of a commit that is not there too
            asked = self._call("GET", f"{base}/git/commits/{commit}")
            answer = asked if asked.status_code == HTTPStatus.NOT_FOUND else answer
        self._check(answer, f"commit {sha[:12]} of {full_name}")

    def _call(self, method: str, url: str, fields: dict[str, str] | None = None) -> "httpx.Response":
        with IMPORT_LOCK:
            import httpx  # noqa: PLC0415 - it costs more than the rest of this function's start

        headers = {"Authorization": f"token {self.token}"}
        with httpx.Client(timeout=TIMEOUT_SECONDS, headers=headers, verify=trust(url)) as client:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    answer = client.request(method, url, json=fields)
                except httpx.HTTPError as error:
                    failure: Exception = error
                else:
                    if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR or attempt == ATTEMPTS:
                        return answer
        msg = f"the forge at {self.url} does not answer: {type(failure).__name__}"
        raise Unavailable(msg) from failure

    def _check(self, answer: "httpx.Response", what: str) -> None:
        status = answer.status_code
        if answer.is_success:
            return
        if status == HTTPStatus.NOT_FOUND:
            msg = f"the forge has no {what}, or GITEA_TOKEN may not see it"
            raise NotFound(msg)
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            msg = f"the forge answers {status} for {what}: give GITEA_TOKEN the scope write:repository"
            raise Rejected(msg)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            msg = f"the forge answers {status} for {what}; it will be tried again"
            raise Unavailable(msg)
        msg = f"the forge refuses the status of {what} with {status}"
        raise Rejected(msg)
