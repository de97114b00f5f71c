"""Rows of the table releases as values."""

from typing import Any

from functions.common.domain.release import Release, ReleaseKind, ReleaseState

COLUMNS = (
    "app, environment, number, kind, push, sha, sequence, digest, image, processes, config, state, step, reason, "
    "note, created_at"
)


def release(row: dict[str, Any]) -> Release:
    """Return the release of a row with (at least) these columns."""
    return Release(
        app=row["app"],
        environment=row["environment"],
        number=row["number"],
        kind=ReleaseKind(row["kind"]),
        digest=row["digest"],
        image=row["image"],
        sha=row["sha"],
        push=row["push"],
        sequence=row["sequence"],
        processes=row["processes"],
        config=row["config"],
        state=ReleaseState(row["state"]),
        step=row["step"],
        reason=row["reason"],
        note=row["note"],
        created_at=row["created_at"].isoformat(),
    )
