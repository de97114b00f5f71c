"""A webhook request and its answer, without the web framework."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.common.domain.delivery import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """`provider` is the path's; header names are lower case; `remote` tells whom an audit is about."""

    provider: Provider
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    remote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status and a JSON object."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
