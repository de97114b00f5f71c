"""Repositories to push to, in an organisation of a Forgejo or Gitea."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from functions.common.adapters.gitea_api import GiteaApi, refuse
from functions.common.errors import Rejected

if TYPE_CHECKING:
    import httpx

Body = dict[str, Any]

EVENTS = ["push", "create", "delete", "pull_request"]
_PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class GiteaRepositories:
    """Repositories in `organisation`, each with one webhook to `webhook_url`; see Repositories."""

    api: GiteaApi
    organisation: str
    webhook_url: str
    webhook_secret: str = field(repr=False)

    def create(self, name: str) -> str:
        """Make the repository and its webhook; see Repositories.

        Raises Rejected for a name that is none, or that of a repository with something in it: it is somebody's.
        """
        organisation = quote(self.organisation, safe="")
        body = {"name": name, "private": True, "auto_init": False, "default_branch": "main"}
        answer = self.api.call("POST", f"/orgs/{organisation}/repos", body=body)
        if answer.status_code == HTTPStatus.CONFLICT:
            answer = self.api.call("GET", self._path(name))
            if answer.is_success and not answer.json()["empty"]:
                msg = (
                    f"the forge has a repository {self.organisation}/{name} with commits in it: give its URL to deploy "
                    "from it, or choose another name"
                )
                raise Rejected(msg)
        if not answer.is_success:
            raise refuse(answer, f"repository {self.organisation}/{name}")
        self._hook(name)
        return str(answer.json()["clone_url"])

    def delete(self, name: str) -> None:
        """Delete the repository; see Repositories."""
        self._ask("DELETE", self._path(name), f"repository {self.organisation}/{name}")

    def _hook(self, name: str) -> None:
        """Make the webhook in place of those of the same URL: the forge itself would keep them all."""
        hooks, what = f"{self._path(name)}/hooks", f"the webhooks of {self.organisation}/{name}"
        answer = self._ask("GET", hooks, what, query={"limit": str(_PAGE)})
        old = [one["id"] for one in answer.json() if (one.get("config") or {}).get("url") == self.webhook_url]
        # Anew, as the secret can be neither read nor changed: Gitea takes it on creation alone. And before the old
        # ones go, so that no push finds none.
        self._ask("POST", hooks, what, body={"type": "gitea", **self._wanted()})
        for one in old:
            self._ask("DELETE", f"{hooks}/{one}", what)

    def _ask(
        self, method: str, path: str, what: str, *, query: dict[str, str] | None = None, body: Body | None = None
    ) -> "httpx.Response":
        answer = self.api.call(method, path, query=query, body=body)
        is_gone = method == "DELETE" and answer.status_code == HTTPStatus.NOT_FOUND
        if not answer.is_success and not is_gone:
            raise refuse(answer, what)
        return answer

    def _wanted(self) -> Body:
        config = {"url": self.webhook_url, "content_type": "json", "secret": self.webhook_secret}
        return {"active": True, "events": EVENTS, "branch_filter": "*", "config": config}

    def _path(self, name: str) -> str:
        return f"/repos/{quote(self.organisation, safe='')}/{quote(name, safe='')}"
