"""Forgejo and Gitea: webhooks; branch heads, repositories and commit statuses by their API."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from functions.common.adapters.forges.payload import (
    Fields,
    Origin,
    PushExtras,
    ignored_pull_request,
    read_pull_request,
    read_push,
    read_ref,
    read_repository,
)
from functions.common.adapters.forges.signatures import HUB, hmac_mismatch
from functions.common.adapters.http_client import Answer, HttpClient, text, without_user
from functions.common.domain.delivery import Provider, Webhook
from functions.common.domain.git_url import CloneUrls, is_branch_name, is_ssh, owner_and_name, path_at, repository_key
from functions.common.errors import NotFound, Rejected, Unavailable
from functions.common.events.base import Event
from functions.common.events.push import BranchDeleted, Repository
from functions.common.ports.deliveries import Ignored

_SIGNATURES = ("x-forgejo-signature", "x-gitea-signature", "x-gogs-signature", HUB)
_URLS = ("clone_url", "ssh_url", "html_url")
_PULL_REQUEST = frozenset({"pull_request", "pull_request_sync"})


@dataclass(frozen=True, slots=True)
class GiteaWebhooks:
    """ForgeWebhooks of Forgejo or Gitea, which share one format.

    Hooks of type `gitea` send `main` where those of type `forgejo` send `refs/heads/main`. No field marks a forced
    push from another.
    """

    provider: Provider

    @property
    def event_header(self) -> str:
        """See ForgeWebhooks."""
        return f"x-{self.provider}-event"

    @property
    def delivery_headers(self) -> tuple[str, ...]:
        """See ForgeWebhooks."""
        return f"x-{self.provider}-delivery", "x-forgejo-delivery", "x-gitea-delivery"

    def verify(self, webhook: Webhook, *, secret: str, now: datetime) -> str:  # noqa: ARG002 - it has no timestamp
        """Check the signature, which covers the JSON: for a form, the decoded field; see ForgeWebhooks."""
        return hmac_mismatch(webhook.headers, _SIGNATURES, webhook.json, secret=secret)

    def repository(self, payload: Mapping[str, Any]) -> Repository | None:
        """Return the repository of a payload; see ForgeWebhooks."""
        fields = Fields(payload)
        if not fields.has("repository"):
            return None
        return read_repository(fields.object("repository"), name="full_name", urls=_URLS)

    def read(self, payload: Mapping[str, Any], *, kind: str, delivery_id: str) -> Event | Ignored:
        """Return the event of a payload; see ForgeWebhooks."""
        fields = Fields(payload)
        if kind == "create":
            return Ignored(reason="a create event repeats the push event of the same ref")
        if kind not in {"push", "delete", *_PULL_REQUEST}:
            return Ignored(reason=f"{kind} events change nothing that is deployed")
        ignored = ignored_pull_request(fields) if kind in _PULL_REQUEST else None
        if ignored:
            return ignored
        repository = read_repository(fields.object("repository"), name="full_name", urls=_URLS)
        origin = Origin(provider=self.provider, delivery=delivery_id, repository=repository)
        if kind == "push":
            return read_push(fields, origin, _extras(fields))
        if kind == "delete":
            return _read_deletion(fields, origin)
        return read_pull_request(fields, origin, fork=_is_fork(fields.object("pull_request")))


def _extras(fields: Fields) -> PushExtras:
    pusher = fields.optional_object("pusher")
    author = pusher.optional_text("login") or pusher.optional_text("username")
    total = fields.number("total_commits") if fields.has("total_commits") else None
    return PushExtras(author=author, total=total)


def _read_deletion(fields: Fields, origin: Origin) -> Event | Ignored:
    ref = read_ref(fields, "ref", short="tag" if fields.text("ref_type") == "tag" else "branch")
    if ref.kind != "branch":
        return Ignored(reason=f"{ref.full} was deleted; nothing is deployed from tags")
    return BranchDeleted(**origin.fields(), branch=ref.name)


def _is_fork(pull_request: Fields) -> bool:
    head, base = pull_request.object("head"), pull_request.object("base")
    return head.values.get("repo_id") != base.values.get("repo_id")


_UNREADABLE = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
_ACCESS = "give GITEA_TOKEN the scopes write:repository and write:organization, and see GITEA_DEFAULT_ORG"


@dataclass(frozen=True, slots=True, kw_only=True)
class GiteaApi:
    """The REST API that Forgejo and Gitea share, of the forge at `url`; methods raise as HttpClient's."""

    url: str
    token: str = field(repr=False)
    remedy: str = _ACCESS  # what an operator can do about a refusal

    def call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        attempts: int = 1,
        allow: frozenset[int] = frozenset(),
    ) -> Answer:
        """Return the answer to a call below /api/v1, also a 4xx."""
        return self._client.call(method, path, query=query, body=body, attempts=attempts, allow=allow)

    def refusal(self, answer: Answer, what: str) -> Rejected:
        """Return the error for an answer that is not a success; it names what was asked for and the remedy."""
        return self._client.refusal(answer, what)

    @property
    def _client(self) -> HttpClient:
        return HttpClient(
            service=f"the forge at {without_user(self.url)}",
            url=f"{self.url.rstrip('/')}/api/v1",
            headers={"Authorization": f"token {self.token}"},
            remedies=dict.fromkeys(_UNREADABLE, self.remedy),
        )


_PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class GiteaHeads:
    """ForgeHeads and RepositoryNames of one forge; repositories of others cannot be read."""

    api: GiteaApi

    def heads(self, clone_url: str) -> dict[str, str] | None:
        """Return branch -> sha; see ForgeHeads."""
        path, found, page = self._path(clone_url), dict[str, str](), 1
        while path:
            answer = self.api.call("GET", f"{path}/branches", query={"page": str(page), "limit": str(_PAGE)})
            if answer.status in _UNREADABLE:
                return None
            if not answer.is_success:
                raise self.api.refusal(answer, f"the branches of {without_user(clone_url)}")
            before, found = len(found), found | answer.read(_heads)
            if len(found) == before or len(found) >= int(answer.headers.get("x-total-count", len(found))):
                return found
            page += 1
        return None

    def head(self, clone_url: str, branch: str) -> str | None:
        """Return the branch's sha; see ForgeHeads."""
        path = self._path(clone_url)
        if path is None:
            return None
        if not is_branch_name(branch):  # it becomes part of a path
            return ""
        answer = self.api.call("GET", f"{path}/branches/{quote(branch, safe='/')}")
        if answer.is_success:
            return answer.read(_sha)
        if answer.status not in _UNREADABLE:
            raise self.api.refusal(answer, f"branch {branch} of {without_user(clone_url)}")
        # The same answer for a branch that is not there and for a repository that may not be seen.
        return "" if self.api.call("GET", path).is_success else None

    def urls_of(self, clone_url: str, number: str) -> tuple[str, ...] | None:
        """Return the git URLs of the repository with this id; see RepositoryNames."""
        if self._path(clone_url) is None:
            return None
        answer = self.api.call("GET", f"/repositories/{quote(number, safe='')}")
        if answer.status in _UNREADABLE:
            return ()
        if not answer.is_success:
            raise self.api.refusal(answer, f"the repository {number}")
        found = answer.read(_clone_urls)
        return tuple(url for url in (found.http, found.ssh) if url)

    def _path(self, clone_url: str) -> str | None:
        found = owner_and_name(clone_url, base_url=self.api.url)
        return None if found is None else "/repos/" + "/".join(quote(part, safe="") for part in found)


def _heads(branches: list[dict[str, Any]] | None) -> dict[str, str]:
    return {text(branch["name"]): _sha(branch) for branch in branches or []}


def _sha(branch: dict[str, Any]) -> str:
    return text(branch["commit"]["id"])


Body = dict[str, Any]

EVENTS = ["push", "create", "delete", "pull_request"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GiteaRepositories:
    """Repositories in `organisation`, each with one webhook to `webhook_url`; see Repositories."""

    api: GiteaApi
    organisation: str
    webhook_url: str

    def create(self, name: str, *, webhook_secret: str) -> str:
        """Create the repository and its webhook; see Repositories.

        Raises Rejected for an invalid name, and for the name of a repository with commits: it belongs to another.
        """
        organisation = quote(self.organisation, safe="")
        body = {"name": name, "private": True, "auto_init": False, "default_branch": "main"}
        answer = self.api.call("POST", f"/orgs/{organisation}/repos", body=body)
        if answer.status == HTTPStatus.CONFLICT:
            answer = self.api.call("GET", self._path(name))
            if answer.is_success and not answer.read(lambda found: bool(found["empty"])):
                msg = (
                    f"the forge has a repository {self.organisation}/{name} with commits in it: give its URL to deploy "
                    "from it, or choose another name"
                )
                raise Rejected(msg)
        if not answer.is_success:
            raise self.api.refusal(answer, f"repository {self.organisation}/{name}")
        self.set_webhook(name, webhook_secret=webhook_secret)
        return answer.read(lambda found: text(found["clone_url"]))

    def delete(self, name: str) -> None:
        """Delete the repository; see Repositories."""
        self._call("DELETE", self._path(name), f"repository {self.organisation}/{name}")

    def clone_urls(self, name: str) -> CloneUrls:
        """Return the clone URLs of a repository; see Repositories."""
        answer = self._call("GET", self._path(name), f"repository {self.organisation}/{name}")
        return answer.read(_clone_urls)

    def name_of(self, url: str) -> str:
        """Return the name of a repository of the organisation; see Repositories. The forge ignores case.

        An SSH URL is compared with the one that the forge gives, whose host and port are settings of the forge.
        """
        path = repository_key(url).partition("/")[2] if is_ssh(url) else path_at(url, base_url=self.api.url)
        owner, _, name = path.lower().partition("/")
        if owner != self.organisation.lower() or not name:
            return ""
        return name if not is_ssh(url) or self._has_ssh_url(name, url) else ""

    def _has_ssh_url(self, name: str, url: str) -> bool:
        answer = self.api.call("GET", self._path(name))
        if answer.status == HTTPStatus.NOT_FOUND:
            return False
        if not answer.is_success:
            raise self.api.refusal(answer, f"repository {self.organisation}/{name}")
        return repository_key(answer.read(_clone_urls).ssh or url).lower() == repository_key(url).lower()

    def admit(self, name: str, username: str) -> None:
        """Give a user the permission to push; see Repositories."""
        path = f"{self._path(name)}/collaborators/{quote(username, safe='')}"
        answer = self.api.call("PUT", path, body={"permission": "write"})
        if not answer.is_success:
            raise self.api.refusal(answer, f"the role of {username} in {self.organisation}/{name}")

    def set_webhook(self, name: str, *, webhook_secret: str) -> None:
        """Create the webhook and delete older ones of the same URL; see Repositories."""
        hooks, what = f"{self._path(name)}/hooks", f"the webhooks of {self.organisation}/{name}"
        answer = self._call("GET", hooks, what, query={"limit": str(_PAGE)})
        old = answer.read(self._same_url)
        # The forge itself would keep them all. A new one, because Gitea accepts a secret on creation only. It is
        # created before the old ones are deleted: every push finds a webhook.
        self._call("POST", hooks, what, body={"type": "gitea", **self._hook(webhook_secret)})
        for one in old:
            self._call("DELETE", f"{hooks}/{one}", what)

    def _same_url(self, hooks: list[dict[str, Any]] | None) -> list[int]:
        return [int(one["id"]) for one in hooks or [] if (one.get("config") or {}).get("url") == self.webhook_url]

    def _call(
        self, method: str, path: str, what: str, *, query: dict[str, str] | None = None, body: Body | None = None
    ) -> Answer:
        answer = self.api.call(method, path, query=query, body=body)
        is_gone = method == "DELETE" and answer.status == HTTPStatus.NOT_FOUND
        if not answer.is_success and not is_gone:
            raise self.api.refusal(answer, what)
        return answer

    def _hook(self, secret: str) -> Body:
        config = {"url": self.webhook_url, "content_type": "json", "secret": secret}
        return {"active": True, "events": EVENTS, "branch_filter": "*", "config": config}

    def _path(self, name: str) -> str:
        return f"/repos/{quote(self.organisation, safe='')}/{quote(name, safe='')}"


def _clone_urls(repository: dict[str, Any]) -> CloneUrls:
    return CloneUrls(http=text(repository["clone_url"]), ssh=text(repository["ssh_url"]))


_ATTEMPTS = 3
_FAILURE = frozenset({HTTPStatus.INTERNAL_SERVER_ERROR})


@dataclass(frozen=True, slots=True, kw_only=True)
class GiteaStatuses:
    """CommitStatuses of one forge; the token needs the scope write:repository."""

    api: GiteaApi

    def post(self, repository: str, sha: str, *, state: str, description: str, context: str, target_url: str) -> None:
        """Set a commit's status; repositories of other forges are ignored.

        Raises NotFound when the forge has no such repository or commit, Rejected when it refuses.
        """
        found = owner_and_name(repository, base_url=self.api.url)
        if found is None:
            return
        full_name = "/".join(quote(part, safe="") for part in found)
        what, commit = f"commit {sha[:12]} of {full_name}", quote(sha, safe="")
        fields = {"state": state, "description": description, "context": context, "target_url": target_url}
        path = f"/repos/{full_name}/statuses/{commit}"
        answer = self.api.call("POST", path, body=fields, attempts=_ATTEMPTS, allow=_FAILURE)
        if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            raise self._failure(full_name, commit, what)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise _missing(what)
        if not answer.is_success:
            raise self.api.refusal(answer, what)

    def _failure(self, full_name: str, commit: str, what: str) -> Unavailable | NotFound:
        """Return the error for a 500, which Gitea also answers to a status of a commit that does not exist."""
        found = self.api.call("GET", f"/repos/{full_name}/git/commits/{commit}", attempts=_ATTEMPTS)
        if found.status == HTTPStatus.NOT_FOUND:
            return _missing(what)
        return Unavailable(f"the forge at {without_user(self.api.url)} answers 500 for {what}; it is tried again")


def _missing(what: str) -> NotFound:
    return NotFound(f"the forge has no {what}, or GITEA_TOKEN may not see it")
