"""A delivery: one webhook request."""

from dataclasses import dataclass, field
from enum import StrEnum


class Provider(StrEnum):
    """The forges that can send webhooks."""

    FORGEJO = "forgejo"
    GITEA = "gitea"
    GITHUB = "github"
    GITLAB = "gitlab"


class DeliveryOutcome(StrEnum):
    """The result of a delivery with a valid signature."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A webhook request to store; `event` is the CloudEvent to publish as structured JSON, None without one.

    `headers` are those that identify the delivery; signatures, tokens and authorization are not included.
    """

    provider: Provider
    delivery_id: str
    kind: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    outcome: DeliveryOutcome
    reason: str = ""
    sha: str = ""
    event_id: str = ""
    event: str | None = field(default=None, repr=False)
