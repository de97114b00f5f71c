"""Pushes to and from rows of the table pushes."""

from typing import Any

from functions.common.domain.push import Push, PushState

COLUMNS = (
    "id, app, environment, repository, ref, before, sha, message, author, "
    "sequence, state, code, step, reason, received_at"
)


def push(row: dict[str, Any]) -> Push:
    """Return the push of a row that holds COLUMNS."""
    return Push(**row | {"state": PushState(row["state"])})


def parameters(push: Push) -> dict[str, str]:
    """Return what a forge told of a push, by column."""
    return {
        "id": push.id,
        "app": push.app,
        "environment": push.environment,
        "repository": push.repository,
        "ref": push.ref,
        "before": push.before,
        "sha": push.sha,
        "message": push.message,
        "author": push.author,
    }
