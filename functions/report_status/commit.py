"""Which commit an event's status belongs to."""

from functions.common.events.base import Event
from functions.common.events.push import PushIgnored
from functions.common.ports.commit_facts import Commit, CommitFacts

DUPLICATE = "duplicate"


def commit_of(event: Event, facts: CommitFacts) -> Commit | None:
    """Return the commit by the ledger, else by the event itself, or None when there is none to mark.

    The release counts first: a rollback is newer than the push that its commit came with. A duplicate
    has the status of the push that it repeats.
    """
    if not event.app or (isinstance(event, PushIgnored) and event.code == DUPLICATE):
        return None
    release = getattr(event, "release", 0)
    known = facts.of_release(event.app, event.environment, release) if release else None
    if known is None and event.push:
        known = facts.of_push(event.push, event.app)
    if known is not None:
        return known
    repository, sha = getattr(event, "repository", ""), getattr(event, "sha", "")
    return Commit(repository=repository, sha=sha) if repository and sha else None
