"""A visit: one request for a page or of a form, and what a handler answers to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from functions.dashboard.api import Api, Json, Refused

# What a page says after an action, by the name that its address carries: an address can show no other text.
NOTICES = {
    "app-created": "The app is created. Push to its repository to bring it live.",
    "logged-out": "You are logged out.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request. `path` holds the variable parts of the path."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str] = field(repr=False)
    api: Api
    token: str = field(repr=False)

    @property
    def app(self) -> str:
        """The app that the path names."""
        return self.path["app"]

    def field(self, name: str) -> str:
        """Return a field of the form without white space around it."""
        return self.form.get(name, "").strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page from a template. `me` is the caller as the API shows it, None on pages without a session.

    `refusal` is why the form before was refused.
    """

    template: str
    title: str
    me: Json | None = None
    context: Mapping[str, Any] = field(default_factory=dict, repr=False)
    status: int = 200
    refusal: Refused | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainText:
    """A text as it is, such as a log."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeeOther:
    """Leads to another page of the dashboard. `notice` names the text that says what was done."""

    to: str
    notice: str = ""
    login: str = field(default="", repr=False)
    expires: datetime | None = None
    logout: bool = False


Result = Page | PlainText | SeeOther
