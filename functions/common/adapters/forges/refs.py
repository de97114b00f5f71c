"""Refs and shas, as forges spell them."""

import re
from dataclasses import dataclass
from typing import Literal

from functions.common.adapters.forges.fields import Fields
from functions.common.errors import Rejected

ZERO = "0" * 40
_SHA = re.compile(r"^(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """`name` is all after refs/heads/ or refs/tags/: a branch may have slashes in its name."""

    kind: Literal["branch", "tag", "other"]
    full: str
    name: str


def read_ref(fields: Fields, name: str, *, short: Literal["branch", "tag"] = "branch") -> Ref:
    """Return a full ref, or a short one as the branch or tag that it is said to be."""
    text = fields.text(name)
    if not text.startswith("refs/"):
        text = ("refs/heads/" if short == "branch" else "refs/tags/") + text
    for kind, prefix in (("branch", "refs/heads/"), ("tag", "refs/tags/")):
        if text == prefix:
            msg = f"field {fields.where(name)} of the payload names no {kind}: {text!r}"
            raise Rejected(msg)
        if text.startswith(prefix):
            return Ref(kind="branch" if kind == "branch" else "tag", full=text, name=text.removeprefix(prefix))
    return Ref(kind="other", full=text, name=text)


def read_sha(fields: Fields, name: str) -> str:
    """Return a full sha, SHA-1 or SHA-256; zeros stand for no commit."""
    sha = fields.text(name).lower()
    if not _SHA.match(sha):
        msg = f"field {fields.where(name)} of the payload must be 40 or 64 hexadecimal digits, not {sha[:80]!r}"
        raise Rejected(msg)
    return sha


def optional_sha(fields: Fields, name: str) -> str:
    """Return a full sha, empty when it is missing or empty."""
    return read_sha(fields, name) if fields.optional_text(name) else ""
