"""What a pull request event means; Forgejo, Gitea and GitHub agree on its shape but for one word."""

from functions.common.adapters.forges.fields import Fields
from functions.common.adapters.forges.push import Origin, OriginFields
from functions.common.adapters.forges.refs import optional_sha
from functions.common.events.base import Event
from functions.common.events.push import PullRequestClosed, PullRequestOpened, PullRequestUpdated
from functions.common.ports.webhook_reader import Ignored

MAX_TITLE = 300
_OPENED = frozenset({"opened", "reopened"})
_UPDATED = frozenset({"synchronize", "synchronized"})  # GitHub's word, Gitea's and Forgejo's
_CLOSED = "closed"


class PullRequestFields(OriginFields):
    """What all pull request events carry."""

    number: int
    title: str
    branch: str
    sha: str
    target: str
    fork: bool


def ignored_action(payload: Fields) -> Ignored | None:
    """Return why this action does not concern previews (labels, reviews and the like), or None when it does."""
    action = payload.text("action")
    if action == _CLOSED or action in _OPENED | _UPDATED:
        return None
    return Ignored(reason=f"pull request action {action!r} changes nothing that is deployed")


def read_pull_request(payload: Fields, origin: Origin, *, fork: bool) -> Event:
    """Return the event of an action that is not ignored."""
    action = payload.text("action")
    if action in _OPENED:
        return PullRequestOpened(**_named(payload, origin, fork=fork))
    if action in _UPDATED:
        return PullRequestUpdated(**_named(payload, origin, fork=fork))
    merged = payload.object("pull_request").flag("merged")
    return PullRequestClosed(**_named(payload, origin, fork=fork), merged=merged)


def _named(payload: Fields, origin: Origin, *, fork: bool) -> PullRequestFields:
    pull_request = payload.object("pull_request")
    head = pull_request.object("head")
    return {
        **origin.fields(),
        "number": payload.number("number"),
        "title": pull_request.optional_text("title")[:MAX_TITLE],
        "branch": head.text("ref"),
        "sha": optional_sha(head, "sha"),
        "target": pull_request.object("base").text("ref"),
        "fork": fork,
    }
