"""What all events share: their attributes, and the id that is derived from the cause."""

import uuid
from contextvars import ContextVar
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

TYPE_PREFIX = "dev.slipway."
EVENT_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "events.slipway.dev")


class Event(BaseModel):
    """The data of one event; unknown fields are ignored, so that older readers accept newer writers.

    `app`, `environment` and `push` are copied to the extensions slipwayapp, slipwayenv and slipwaypush, because
    Triggers can filter on attributes only. Events never contain secrets.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    type: ClassVar[str]

    app: str = ""
    environment: str = ""
    push: str = ""

    @property
    def subject(self) -> str:
        """The CloudEvents subject, `app/environment`, as far as known."""
        return "/".join(part for part in (self.app, self.environment) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What a new event follows from: `source` and `id` of the event or request that `function` handles.

    `function` becomes the new event's source.
    """

    function: str
    source: str
    id: str
    traceparent: str = ""


CURRENT_CAUSE: ContextVar[Cause] = ContextVar("slipway_cause")


def event_id(cause: Cause, event: Event, discriminator: str = "") -> str:
    """Return the uuid5 of the cause's source and id and the new event's type: a redelivery gives the same id.

    One cause may have several events of one type for different subjects, so the subject counts too. The
    discriminator distinguishes events that share all of these.
    """
    name = f"{cause.source}\n{cause.id}\n{event.type}\n{event.subject}\n{discriminator}"
    return str(uuid.uuid5(EVENT_NAMESPACE, name))
