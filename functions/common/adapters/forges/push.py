"""What a push means; all forges agree on ref, before, after and commits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from functions.common.adapters.forges.changes import changed_paths, lists_files
from functions.common.adapters.forges.fields import Fields
from functions.common.adapters.forges.refs import ZERO, Ref, read_ref, read_sha
from functions.common.domain.delivery import Provider
from functions.common.domain.push import is_zero
from functions.common.events.base import Event
from functions.common.events.push import BranchDeleted, PushReceived, Repository, TagCreated
from functions.common.ports.webhook_reader import Ignored

MAX_MESSAGE = 4000  # characters; marks such as [skip ci] stand near the top
MAX_PERSON = 200


class OriginFields(TypedDict):
    """What every event of a forge carries."""

    provider: str
    delivery: str
    repository: Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a payload comes from."""

    provider: Provider
    delivery: str
    repository: Repository

    def fields(self) -> OriginFields:
        """Return the fields of the events."""
        return {"provider": self.provider.value, "delivery": self.delivery, "repository": self.repository}


@dataclass(frozen=True, slots=True, kw_only=True)
class PushExtras:
    """What forges spell differently. `total` is how many commits were pushed, None when that is not said."""

    author: str
    total: int | None
    forced: bool = False


def read_push(payload: Fields, origin: Origin, extras: PushExtras) -> Event | Ignored:
    """Return what became of a branch or tag."""
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
    # A new branch and a rewritten one differ from what runs by more than their new commits.
    whole = not is_zero(before) and not extras.forced and extras.total == len(commits) and lists_files(commits)
    return PushReceived(
        **origin.fields(),
        ref=ref.full,
        branch=ref.name,
        before=before,
        after=after,
        forced=extras.forced,
        message=_head(payload, commits, after).optional_text("message")[:MAX_MESSAGE],
        author=extras.author[:MAX_PERSON],
        changed=changed,
        complete=whole and bool(changed),
    )


def _head(payload: Fields, commits: Sequence[Fields], after: str) -> Fields:
    head = payload.optional_object("head_commit")
    if head.values:
        return head
    return next((commit for commit in commits if commit.values.get("id") == after), head)
