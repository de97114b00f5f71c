"""What the payloads of all forges share: typed fields, refs, repositories, pushes and pull requests."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from functions.common.domain.delivery import Provider
from functions.common.domain.git_url import is_branch_name, is_ssh, repository_key
from functions.common.domain.push import is_sha, is_zero
from functions.common.errors import Rejected
from functions.common.events.base import Event
from functions.common.events.push import (
    BranchDeleted,
    PullRequestClosed,
    PullRequestOpened,
    PullRequestUpdated,
    PushReceived,
    Repository,
    TagCreated,
)
from functions.common.ports.deliveries import Ignored

MAX_NAME = 1000  # characters of a ref, URL or path; events must stay small


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object of a payload, read field by field. Null counts as missing.

    `path` is its place in the payload. Every method raises Rejected, naming the field, when a value has the wrong type.
    """

    values: Mapping[str, Any]
    path: str = ""

    def has(self, name: str) -> bool:
        """Return whether the field exists and is not null."""
        return self.values.get(name) is not None

    def text(self, name: str) -> str:
        """Return a required string: not empty, at most MAX_NAME characters."""
        value = self.optional_text(name)
        if not value:
            raise self._wrong(name, "is missing")
        if len(value) > MAX_NAME:
            raise self._wrong(name, f"is longer than {MAX_NAME} characters")
        return value

    def optional_text(self, name: str) -> str:
        """Return a string, empty when it is missing; lone surrogates become question marks."""
        value = self.values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self._wrong(name, "must be a string")
        return _clean(value)

    def number(self, name: str) -> int:
        """Return a required integer."""
        value = self.values.get(name)
        if type(value) is not int:
            raise self._wrong(name, "must be a whole number")
        return value

    def flag(self, name: str) -> bool:
        """Return a boolean, false when it is missing."""
        value = self.values.get(name, False)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name, "must be true or false")
        return bool(value)

    def object(self, name: str) -> "Fields":
        """Return a required object."""
        if not self.has(name):
            raise self._wrong(name, "is missing")
        return self.optional_object(name)

    def optional_object(self, name: str) -> "Fields":
        """Return an object, empty when it is missing."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, dict):
            raise self._wrong(name, "must be an object")
        return Fields(value or {}, self.where(name))

    def objects(self, name: str) -> tuple["Fields", ...]:
        """Return a list of objects, empty when it is missing."""
        items = self._list(name)
        for index, item in enumerate(items):
            if not isinstance(item, dict):
                raise self._wrong(_at(name, index), "must be an object")
        return tuple(Fields(item, self.where(_at(name, index))) for index, item in enumerate(items))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of strings, empty when it is missing."""
        items = self._list(name)
        for index, item in enumerate(items):
            if not isinstance(item, str):
                raise self._wrong(_at(name, index), "must be a string")
        return tuple(_clean(item) for item in items)

    def _list(self, name: str) -> list[Any]:
        value = self.values.get(name)
        if value is not None and not isinstance(value, list):
            raise self._wrong(name, "must be a list")
        return value or []

    def where(self, name: str) -> str:
        """Return the place of a field in the payload, such as commits[0].added."""
        return f"{self.path}.{name}" if self.path else name

    def _wrong(self, name: str, what: str) -> Rejected:
        return Rejected(f"field {self.where(name)} of the payload {what}")


def _at(name: str, index: int) -> str:
    return f"{name}[{index}]"


def _clean(text: str) -> str:
    # JSON can contain lone surrogates, which UTF-8 cannot encode, and NUL, which PostgreSQL cannot store.
    text = text if text.isascii() else text.encode("utf-8", "replace").decode()
    return text.replace("\0", "") if "\0" in text else text


ZERO = "0" * 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A branch, a tag or another ref; `name` is all after refs/heads/ or refs/tags/ and may contain slashes."""

    kind: Literal["branch", "tag", "other"]
    full: str
    name: str


def read_ref(fields: Fields, name: str, *, short: Literal["branch", "tag"] = "branch") -> Ref:
    """Return the ref; a name without refs/ is a branch or a tag as `short` says."""
    text = fields.text(name)
    if not text.startswith("refs/"):
        text = ("refs/heads/" if short == "branch" else "refs/tags/") + text
    for kind, prefix in (("branch", "refs/heads/"), ("tag", "refs/tags/")):
        if text == prefix:
            msg = f"field {fields.where(name)} of the payload names no {kind}: {text!r}"
            raise Rejected(msg)
        if text.startswith(prefix):
            check_ref(fields, name, text.removeprefix(prefix))
            return Ref(kind="branch" if kind == "branch" else "tag", full=text, name=text.removeprefix(prefix))
    return Ref(kind="other", full=text, name=text)


def check_ref(fields: Fields, name: str, short: str) -> None:
    """Raise Rejected when git would not accept the name of a branch or tag: it becomes part of paths and URLs."""
    if not is_branch_name(short):
        msg = f"field {fields.where(name)} of the payload is no name of a branch or tag: {short[:80]!r}"
        raise Rejected(msg)


def read_branch(fields: Fields, name: str) -> str:
    """Return the name of a branch, which is not a full ref."""
    found = fields.text(name)
    check_ref(fields, name, found)
    return found


def read_sha(fields: Fields, name: str) -> str:
    """Return a full sha, SHA-1 or SHA-256; zeros mean no commit."""
    sha = fields.text(name).lower()
    if not is_sha(sha):
        msg = f"field {fields.where(name)} of the payload must be 40 or 64 hexadecimal digits, not {sha[:80]!r}"
        raise Rejected(msg)
    return sha


def optional_sha(fields: Fields, name: str) -> str:
    """Return a full sha, empty when it is missing or empty."""
    return read_sha(fields, name) if fields.optional_text(name) else ""


_MAX_ID = 2**63


def read_repository(
    fields: Fields, *, name: str, urls: Sequence[str], others: Sequence[tuple[Fields, Sequence[str]]] = ()
) -> Repository:
    """Return the repository; `name` and `urls` are the forge's field names, the best URL to clone first.

    Raises Rejected unless all URLs, also those of the objects `others`, are of the repository with this name: an app
    matches by any of them.
    """
    full_name = fields.text(name)
    found = list(_addresses(((fields, urls), *others)))
    if not found:
        msg = f"field {fields.path} of the payload has no readable one of the URLs {', '.join(urls)}"
        raise Rejected(msg)
    first = next((one for one in found if not one.is_ssh), found[0])
    name_key = full_name.lower()  # as in a repository_key
    if not _is_below(first.path, name_key):
        msg = f"fields {fields.where(name)} and {first.where} of the payload name different repositories"
        raise Rejected(msg)
    known = dict.fromkeys(one.url for one in found if _is_same(one, first, name_key))
    default = fields.optional_text("default_branch")[:MAX_NAME]
    return Repository(full_name=full_name, urls=tuple(known), default_branch=default, id=_id(fields.values.get("id")))


def _id(value: object) -> str:
    """Return the number that a forge gives to a repository; what is no such number identifies nothing."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MAX_ID else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Address:
    """A URL of a payload: its field, its host (with the port, unless it leads over SSH), and its path."""

    where: str
    url: str
    is_ssh: bool
    host: str
    path: str


def _addresses(objects: Iterable[tuple[Fields, Sequence[str]]]) -> Iterator[_Address]:
    """Yield the readable URLs."""
    for fields, names in objects:
        for name in names:
            url = fields.optional_text(name)
            if url and len(url) <= MAX_NAME:
                with suppress(Rejected):
                    host, _, path = repository_key(url).partition("/")
                    yield _Address(where=fields.where(name), url=url, is_ssh=is_ssh(url), host=host, path=path)


def _is_same(one: _Address, first: _Address, full_name: str) -> bool:
    """Return whether a URL leads to the repository of the first one. Raises Rejected when it leads to another.

    An SSH URL is left out when it has a host of its own, or when the forge's other URLs have paths that SSH lacks:
    nothing proves then that both are one repository.
    """
    is_other_host = not one.is_ssh and one.host != first.host
    if is_other_host or one.path not in ({first.path, full_name} if one.is_ssh else {first.path}):
        msg = f"fields {first.where} and {one.where} of the payload name different repositories"
        raise Rejected(msg)
    return one.path == first.path and (not one.is_ssh or one.host == first.host.partition(":")[0])


def _is_below(path: str, full_name: str) -> bool:
    """Return whether the path of a URL ends in the repository's name; a forge may be below a path of its host."""
    return f"/{path}".endswith(f"/{full_name}")


MAX_PATHS = 1000  # an event must stay well below one megabyte, the limit of brokers
_LISTS = ("added", "modified", "removed")


def changed_paths(commits: Sequence[Fields]) -> tuple[str, ...]:
    """Return the paths of all commits, sorted, each once; empty when there are too many for an event."""
    paths = {path for commit in commits for name in _LISTS for path in commit.texts(name)}
    if len(paths) > MAX_PATHS or any(len(path) > MAX_NAME for path in paths):
        return ()
    return tuple(sorted(paths))


def lists_files(commits: Sequence[Fields]) -> bool:
    """Return whether every commit lists the files it changed; older forges omit them."""
    return all(commit.has(name) for commit in commits for name in _LISTS)


MAX_MESSAGE = 4000  # characters; markers such as [skip ci] are near the top
MAX_PERSON = 200


class OriginFields(TypedDict):
    """The fields that all events of a forge have."""

    provider: str
    delivery: str
    repository: Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The source of a payload."""

    provider: Provider
    delivery: str
    repository: Repository

    def fields(self) -> OriginFields:
        """Return them as fields of an event."""
        return {"provider": self.provider.value, "delivery": self.delivery, "repository": self.repository}


@dataclass(frozen=True, slots=True, kw_only=True)
class PushExtras:
    """The parts of a push that differ between forges; `total` is the number of pushed commits, None when unknown."""

    author: str
    total: int | None
    forced: bool = False


def read_push(payload: Fields, origin: Origin, extras: PushExtras) -> Event | Ignored:
    """Return the event of a push to a branch or tag; ref, before, after and commits are the same in all forges."""
    ref, after = read_ref(payload, "ref"), read_sha(payload, "after")
    if ref.kind == "other":
        return Ignored(reason=f"{ref.full} is neither a branch nor a tag")
    if ref.kind == "tag" and is_zero(after):
        return Ignored(reason=f"tag {ref.name} was deleted; nothing is deployed from tags")
    if ref.kind == "tag":
        return TagCreated(**origin.fields(), tag=ref.name, sha=after)
    if is_zero(after):
        return BranchDeleted(**origin.fields(), branch=ref.name)
    return _branch_pushed(payload, origin, extras, ref=ref, after=after)


def _branch_pushed(payload: Fields, origin: Origin, extras: PushExtras, *, ref: Ref, after: str) -> PushReceived:
    before = read_sha(payload, "before") if payload.has("before") else ZERO
    commits = payload.objects("commits")
    changed = changed_paths(commits)
    # A new or rewritten branch differs from the deployed version by more than its new commits.
    is_complete = not is_zero(before) and not extras.forced and extras.total == len(commits) and lists_files(commits)
    return PushReceived(
        **origin.fields(),
        ref=ref.full,
        branch=ref.name,
        before=before,
        after=after,
        forced=extras.forced,
        message=_head_commit(payload, commits, after).optional_text("message")[:MAX_MESSAGE],
        author=extras.author[:MAX_PERSON],
        changed=changed,
        complete=is_complete and bool(changed),
    )


def _head_commit(payload: Fields, commits: Sequence[Fields], after: str) -> Fields:
    head = payload.optional_object("head_commit")
    if head.values:
        return head
    return next((commit for commit in commits if commit.values.get("id") == after), head)


MAX_TITLE = 300
_OPENED = frozenset({"opened", "reopened"})
_UPDATED = frozenset({"synchronize", "synchronized"})  # GitHub's word, Gitea's and Forgejo's
_CLOSED = "closed"


class PullRequestFields(OriginFields):
    """The fields that all pull request events have."""

    number: int
    title: str
    branch: str
    sha: str
    target: str
    fork: bool


def ignored_pull_request(payload: Fields) -> Ignored | None:
    """Return the reason to ignore an action, such as a label or a review; None when it concerns previews."""
    action = payload.text("action")
    if action == _CLOSED or action in _OPENED | _UPDATED:
        return None
    return Ignored(reason=f"pull request action {action!r} changes nothing that is deployed")


def read_pull_request(payload: Fields, origin: Origin, *, fork: bool) -> Event:
    """Return the event of an action that is not ignored; Forgejo, Gitea and GitHub share the format."""
    action = payload.text("action")
    if action in _OPENED:
        return PullRequestOpened(**_pull_request_fields(payload, origin, fork=fork))
    if action in _UPDATED:
        return PullRequestUpdated(**_pull_request_fields(payload, origin, fork=fork))
    merged = payload.object("pull_request").flag("merged")
    return PullRequestClosed(**_pull_request_fields(payload, origin, fork=fork), merged=merged)


def _pull_request_fields(payload: Fields, origin: Origin, *, fork: bool) -> PullRequestFields:
    pull_request = payload.object("pull_request")
    head = pull_request.object("head")
    return {
        **origin.fields(),
        "number": payload.number("number"),
        "title": pull_request.optional_text("title")[:MAX_TITLE],
        "branch": read_branch(head, "ref"),
        "sha": optional_sha(head, "sha"),
        "target": read_branch(pull_request.object("base"), "ref"),
        "fork": fork,
    }
