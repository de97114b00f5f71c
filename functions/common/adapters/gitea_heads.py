"""Branch heads by the REST API that Forgejo and Gitea share."""

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from functions.common.adapters.gitea_api import GiteaApi, refuse
from functions.common.adapters.repository_address import owner_and_name

_PAGE = 50
_UNREADABLE = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


@dataclass(frozen=True, slots=True, kw_only=True)
class GiteaHeads:
    """ForgeHeads of one forge; repositories of others cannot be read."""

    api: GiteaApi

    def heads(self, clone_url: str) -> dict[str, str] | None:
        """Return branch -> sha; see ForgeHeads."""
        path, found, page = self._path(clone_url), dict[str, str](), 1
        while path:
            answer = self.api.call("GET", f"{path}/branches", query={"page": str(page), "limit": str(_PAGE)})
            if answer.status_code in _UNREADABLE:
                return None
            if not answer.is_success:
                raise refuse(answer, f"the branches of {clone_url}")
            listed = answer.json() or []
            found |= {str(one["name"]): str(one["commit"]["id"]) for one in listed}
            if not listed or len(found) >= int(answer.headers.get("x-total-count", len(found))):
                return found
            page += 1
        return None

    def head(self, clone_url: str, branch: str) -> str | None:
        """Return the branch's sha; see ForgeHeads."""
        path = self._path(clone_url)
        if path is None:
            return None
        answer = self.api.call("GET", f"{path}/branches/{quote(branch, safe='/')}")
        if answer.is_success:
            return str(answer.json()["commit"]["id"])
        if answer.status_code not in _UNREADABLE:
            raise refuse(answer, f"branch {branch} of {clone_url}")
        # The same answer for a branch that is not there and for a repository that may not be seen.
        return "" if self.api.call("GET", path).is_success else None

    def _path(self, clone_url: str) -> str | None:
        found = owner_and_name(clone_url, base_url=self.api.url)
        return None if found is None else "/repos/" + "/".join(quote(part, safe="") for part in found)
