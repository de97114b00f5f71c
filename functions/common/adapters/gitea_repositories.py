"""Repositories to push to, in an organisation of a Forgejo or Gitea."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from functions.common.adapters.gitea_api import GiteaApi, refuse

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
        """Make the repository and its webhook; see Repositories. Raises Rejected for a name that is none."""
        organisation = quote(self.organisation, safe="")
        body = {"name": name, "private": True, "auto_init": False, "default_branch": "main"}
        answer = self.api.call("POST", f"/orgs/{organisation}/repos", body=body)
        if answer.status_code == HTTPStatus.CONFLICT:
            answer = self.api.call("GET", self._path(name))
        if not answer.is_success:
            raise refuse(answer, f"repository {self.organisation}/{name}")
        self._hook(name)
        return str(answer.json()["clone_url"])

    def delete(self, name: str) -> None:
        """Delete the repository; see Repositories."""
        answer = self.api.call("DELETE", self._path(name))
        if not answer.is_success and answer.status_code != HTTPStatus.NOT_FOUND:
            raise refuse(answer, f"repository {self.organisation}/{name}")

    def _hook(self, name: str) -> None:
        """Make the webhook, or set it right: the forge itself would make a second one of the same URL."""
        hooks, what = f"{self._path(name)}/hooks", f"the webhooks of {self.organisation}/{name}"
        answer = self.api.call("GET", hooks, query={"limit": str(_PAGE)})
        if not answer.is_success:
            raise refuse(answer, what)
        ours = [one for one in answer.json() if (one.get("config") or {}).get("url") == self.webhook_url]
        if ours:
            # The secret cannot be read back: it is set again, so that a changed one reaches old hooks too.
            answer = self.api.call("PATCH", f"{hooks}/{ours[0]['id']}", body=self._wanted())
        else:
            answer = self.api.call("POST", hooks, body={"type": "gitea", **self._wanted()})
        if not answer.is_success:
            raise refuse(answer, what)

    def _wanted(self) -> dict[str, Any]:
        config = {"url": self.webhook_url, "content_type": "json", "secret": self.webhook_secret}
        return {"active": True, "events": EVENTS, "branch_filter": "*", "config": config}

    def _path(self, name: str) -> str:
        return f"/repos/{quote(self.organisation, safe='')}/{quote(name, safe='')}"
