"""A webhook request, and the delivery that is stored of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import unquote_to_bytes

_FORM = b"payload="  # how the body of a form begins; JSON begins with a brace
_PIECE = 64 * 1024  # bytes


class Provider(StrEnum):
    """The forges that can send webhooks."""

    FORGEJO = "forgejo"
    GITEA = "gitea"
    GITHUB = "github"
    GITLAB = "gitlab"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A request to the path of `provider`; header names are in lower case, `remote` is the connected address."""

    provider: Provider
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    remote: str

    @property
    def is_form(self) -> bool:
        """Whether the body is a form. The body alone decides: no signature covers the header Content-Type."""
        return self.body.startswith(_FORM)

    @property
    def json(self) -> bytes:
        """The JSON as it was sent: the body, or the field `payload` with which a form begins."""
        if not self.is_form:
            return self.body
        return _unquoted(self.body.removeprefix(_FORM).partition(b"&")[0].replace(b"+", b" "))


def _unquoted(value: bytes) -> bytes:
    """Return what is written without its escapes, piece by piece: urllib makes several objects of each escape."""
    pieces, start = [], 0
    while start < len(value):
        end = start + _PIECE
        cut = value.rfind(b"%", end - 2, end)  # an escape has three bytes and stays whole
        end = cut if cut > start else end
        pieces.append(unquote_to_bytes(value[start:end]))
        start = end
    return b"".join(pieces)


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
