"""Users of a Forgejo or Gitea: their SSH keys and their roles in repositories, by its API for administrators."""

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from functions.common.adapters.forges.gitea import GiteaApi
from functions.common.adapters.http_client import Answer, text
from functions.common.errors import Rejected
from functions.common.ports.accounts import AppRole
from functions.common.ports.forge import ForgeAccount, SyncedAccount

ACCESS = "GITEA_ADMIN_TOKEN must be of a site administrator, with the scopes write:admin and read:user"
MARK = "slipway: "  # begins the title of each key that Slipway adds
_PERMISSIONS = {AppRole.VIEWER: "read", AppRole.DEPLOYER: "write", AppRole.OWNER: "write"}
_PAGE = 50
_MAX_USERNAME = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class GiteaAccounts:
    """ForgeAccounts: the forge's user is the one that has confirmed the email, or one that is created with it.

    `admin` may manage users, `api` the repositories of `organisation`.
    """

    admin: GiteaApi
    api: GiteaApi
    organisation: str

    def sync(self, account: ForgeAccount) -> SyncedAccount:
        """Make keys and roles those of the account; see ForgeAccounts."""
        username = self._username(account.email) or (self._create(account.email) if account.keys else "")
        if not username:
            return SyncedAccount(username="")
        refused = self._sync_roles(username, account)
        problems = (*self._sync_keys(username, account.keys), *refused.values())
        return SyncedAccount(username=username, granted={*account.roles, *refused}, problems=problems)

    # The forge's user.

    def _username(self, email: str) -> str:
        """Return the user of the email, empty without one. Raises Rejected when that user has not confirmed it."""
        query = {"q": email, "limit": str(_PAGE)}
        answer = self._call("GET", "/admin/emails/search", f"the user of {email}", query=query)
        found = answer.read(lambda entries: [one for one in entries or [] if text(one["email"]).lower() == email])
        confirmed = [text(one["username"]) for one in found if one["verified"] is True]
        if found and not confirmed:  # anyone may write any email there
            msg = f"a user of the forge has the email {email} and has not confirmed it: confirm or remove it there"
            raise Rejected(msg)
        return confirmed[0] if confirmed else ""

    def _create(self, email: str) -> str:
        """Create a user with this email and a password that nobody knows, and return the name."""
        digest = hashlib.sha256(email.encode()).hexdigest()[:6]
        wanted = re.sub(r"[^a-z0-9]+", "-", email.partition("@")[0]).strip("-")[:_MAX_USERNAME] or "user"
        for name in (wanted, f"{wanted}-{digest}"):
            body = {
                "username": name,
                "email": email,
                "password": secrets.token_urlsafe(32) + "aA1!",  # with what a policy may want
                "must_change_password": False,
                "visibility": "private",
            }
            answer = self.admin.call("POST", "/admin/users", body=body)
            if answer.is_success:
                return answer.read(lambda user: text(user["login"]))
            if answer.status != HTTPStatus.UNPROCESSABLE_ENTITY:
                break
        raise self.admin.refusal(answer, f"a new user with the email {email}")

    # Keys.

    def _sync_keys(self, username: str, keys: Mapping[str, str]) -> list[str]:
        """Add and remove keys, and return what the forge refused."""
        user, wanted = quote(username, safe=""), {key: name for name, key in keys.items()}
        answer = self._call("GET", f"/users/{user}/keys", f"the keys of {username}", query=_WHOLE_PAGE)
        there, problems = answer.read(_keys), []
        for number, key, title in there:
            if title.startswith(MARK) and key not in wanted:
                self._call("DELETE", f"/admin/users/{user}/keys/{number}", f"the key {title!r}")
        for key in wanted.keys() - {key for _, key, _ in there}:
            body = {"title": MARK + wanted[key], "key": key, "read_only": False}
            answer = self.admin.call("POST", f"/admin/users/{user}/keys", body=body)
            if not answer.is_success:
                problems.append(str(self.admin.refusal(answer, f"the SSH key {wanted[key]!r} of {username}")))
        return problems

    # Roles.

    def _sync_roles(self, username: str, account: ForgeAccount) -> dict[str, str]:
        """Give and take roles, and return for which repositories the forge refused it, and why."""
        problems = {}
        for repository in sorted({*account.roles, *account.granted}):
            role = account.roles.get(repository)
            path = "/repos/" + "/".join(quote(one, safe="") for one in (self.organisation, repository))
            path += f"/collaborators/{quote(username, safe='')}"
            body = {"permission": _PERMISSIONS[role]} if role else None
            answer = self.api.call("PUT" if role else "DELETE", path, body=body)
            if not answer.is_success and answer.status != HTTPStatus.NOT_FOUND:  # the repository is gone
                problems[repository] = str(self.api.refusal(answer, f"the role of {username} in {repository}"))
        return problems

    def _call(self, method: str, path: str, what: str, *, query: dict[str, str] | None = None) -> Answer:
        answer = self.admin.call(method, path, query=query)
        is_gone = method == "DELETE" and answer.status == HTTPStatus.NOT_FOUND
        if not answer.is_success and not is_gone:
            raise self.admin.refusal(answer, what)
        return answer


_WHOLE_PAGE = {"limit": str(_PAGE)}


def _keys(found: Collection[dict[str, Any]] | None) -> list[tuple[int, str, str]]:
    """Return number, type with base64, and title of each key."""
    return [(int(one["id"]), " ".join(text(one["key"]).split()[:2]), text(one["title"])) for one in found or []]
