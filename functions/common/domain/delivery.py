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
    """What verify-webhook made of a delivery whose signature was right."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """`event` is the CloudEvent to publish, as structured JSON; None when the delivery is not for us.

    `headers` keep what identifies the delivery; signatures, tokens and authorization are left out.
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
