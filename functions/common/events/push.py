"""Events of forges, and of pushes that are not built."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from functions.common.events.base import Event


class Repository(BaseModel):
    """A repository; `full_name` is its name at the forge, `urls` are all its git URLs, the best to clone first.

    `id` is the forge's, which a repository keeps when it is renamed; empty where the forge gives none.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    full_name: str
    urls: tuple[str, ...]
    default_branch: str = ""
    id: str = ""


class PushReceived(Event):
    """A branch has a new head, or its head is to be deployed to `app`, which is empty for every app of the repository.

    `signer` is the app whose own secret signed the webhook, if one did. `before` is zeros for a new branch. `complete`
    is false when the forge omitted commits or changed files: then `changed` must not be used to ignore the push.
    """

    type: ClassVar[str] = "dev.slipway.push.received.v1"

    provider: str
    delivery: str
    signer: str = ""
    repository: Repository
    ref: str
    branch: str
    before: str
    after: str
    forced: bool = False
    message: str = ""
    author: str = ""
    changed: tuple[str, ...] = ()
    complete: bool = False


class BranchDeleted(Event):
    """A branch was deleted."""

    type: ClassVar[str] = "dev.slipway.branch.deleted.v1"

    provider: str
    delivery: str
    repository: Repository
    branch: str


class TagCreated(Event):
    """A tag was pushed; it is recorded, and nothing is deployed from it."""

    type: ClassVar[str] = "dev.slipway.tag.created.v1"

    provider: str
    delivery: str
    repository: Repository
    tag: str
    sha: str


class PullRequest(Event):
    """The common fields of pull request events; `branch` and `sha` are the head's, `fork` when it is elsewhere."""

    provider: str
    delivery: str
    repository: Repository
    number: int
    title: str = ""
    branch: str
    sha: str
    target: str
    fork: bool = False


class PullRequestOpened(PullRequest):
    """A pull request was opened or reopened."""

    type: ClassVar[str] = "dev.slipway.pullrequest.opened.v1"


class PullRequestUpdated(PullRequest):
    """A pull request has new commits."""

    type: ClassVar[str] = "dev.slipway.pullrequest.updated.v1"


class PullRequestClosed(PullRequest):
    """A pull request was closed, merged or not."""

    type: ClassVar[str] = "dev.slipway.pullrequest.closed.v1"

    merged: bool = False


class PushIgnored(Event):
    """Nothing is built for this push of this app, final; `reason` is a sentence for people."""

    type: ClassVar[str] = "dev.slipway.push.ignored.v1"

    repository: str
    branch: str
    sha: str
    code: str
    reason: str


class PushSuperseded(Event):
    """A newer push of the same branch replaces this one, final."""

    type: ClassVar[str] = "dev.slipway.push.superseded.v1"

    repository: str = ""
    sha: str
    reason: str
