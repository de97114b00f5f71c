"""Builds to and from rows of the table builds."""

import json
from typing import Any

from functions.common.domain.build import Build, BuildResult, BuildState, Image

COLUMNS = (
    "name, app, environment, push, repository, sha, ref, sequence, state, superseded_by, "
    "digest, image, processes, step, reason, log_tail"
)


def build(row: dict[str, Any]) -> Build:
    """Return the build of a row that holds COLUMNS, and maybe more."""
    image = Image(digest=row["digest"], reference=row["image"], processes=row["processes"]) if row["digest"] else None
    return Build(
        name=row["name"],
        app=row["app"],
        environment=row["environment"],
        push=row["push"],
        repository=row["repository"],
        sha=row["sha"],
        ref=row["ref"],
        sequence=row["sequence"],
        state=BuildState(row["state"]),
        superseded_by=row["superseded_by"],
        image=image,
        step=row["step"],
        reason=row["reason"],
        log_tail=row["log_tail"],
    )


def ending(result: BuildResult) -> dict[str, str]:
    """Return a build's end by column."""
    return {
        "name": result.name,
        "state": result.state.value,
        "digest": result.image.digest if result.image else "",
        "image": result.image.reference if result.image else "",
        "processes": json.dumps(result.image.processes if result.image else {}),
        "step": result.step,
        "reason": result.reason,
        "log_tail": result.log_tail,
    }
