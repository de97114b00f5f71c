"""A visit: one request for a page or of a form, and what a handler answers to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from functions.dashboard.api import Api, Json, Refused

# What a page says after an action, by the name that its address carries: an address can show no other text.
NOTICES = {
    "app-created": "The app is created. Push to its repository to bring it live.",
    "app-deleted": "The app is being deleted.",
    "collaborator-changed": "The collaborator is changed.",
    "collaborator-removed": "The collaborator is removed.",
    "config-changed": "The config is changed. A release with it follows when the app is live.",
    "deploy-requested": "The newest commit is being deployed.",
    "domain-unproved": "The domain waits for a DNS record that proves that it is yours; see Domains below.",
    "domain-added": "The domain is added. Its certificate follows as soon as its DNS record leads here.",
    "domain-removed": "The domain is removed.",
    "git-changed": "The git source is changed, from the next push on.",
    "key-added": "The SSH key is added.",
    "key-removed": "The SSH key is removed.",
    "letter-discarded": "The dead letter is discarded.",
    "letter-redriven": "The event was sent again to all its functions.",
    "limits-changed": "The limits are changed. A release with them follows when the app is live.",
    "logged-out": "You are logged out.",
    "password-changed": "The password is changed. Your other sessions have ended.",
    "restart-requested": "The processes are being replaced, without losing a request.",
    "rollback-requested": "The rollback has begun.",
    "scaled": "The number of processes is changed.",
    "token-revoked": "The token is revoked.",
    "undeploy-requested": "What runs is being removed. The app stays.",
    "user-changed": "The user is changed.",
    "user-removed": "The user is removed.",
    "invitation-withdrawn": "The invitation is withdrawn.",
}


_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request. `path` holds the variable parts of the path, `begun` a login at the forge that has begun."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str] = field(repr=False)
    api: Api
    token: str = field(repr=False)
    begun: str = field(default="", repr=False)

    @property
    def app(self) -> str:
        """The app that the path names."""
        return self.path["app"]

    def field(self, name: str) -> str:
        """Return a field of the form without white space around it."""
        return self.form.get(name, "").strip()

    def number(self, name: str, *, otherwise: str) -> int:
        """Return a field that is a whole number. Raises Refused with this text for anything else."""
        given = self.field(name)
        if not (given.isascii() and given.isdecimal() and len(given) <= _MOST_DIGITS):
            raise Refused(otherwise)
        return int(given)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """Leads to the forge, where a login goes on; `begun` is kept in the browser until it comes back."""

    url: str
    begun: str = field(repr=False)


Result = Page | PlainText | SeeOther | Elsewhere
