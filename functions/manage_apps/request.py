"""A call of the API: who calls, with what, and how it is refused."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from functions.common.errors import NotFound, Rejected, SlipwayError, Unavailable
from functions.common.ports.apps import ApiToken, ApiTokens, Role

# Why a request is refused, and the HTTP status that says so.


class Malformed(Rejected):
    """The body or a query parameter cannot be read."""


class Unauthenticated(Rejected):
    """Nobody we know asks."""


class Forbidden(Rejected):
    """Who asks may not do this."""


class Conflict(Rejected):
    """What is asked for contradicts what is there."""


class NotAllowed(Rejected):
    """The path exists, but not with this method."""


_STATUSES: tuple[tuple[type[SlipwayError], int], ...] = (
    (Malformed, 400),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (NotAllowed, 405),
    (Conflict, 409),
    (Rejected, 422),
    (Unavailable, 503),
)


def status_of(error: SlipwayError) -> int:
    """Return the HTTP status that tells a client what to do about the error."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


# Who asks: a bearer token, known by its SHA-256.

SCHEME = "bearer"


def digest_of(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def authenticate(authorization: str, tokens: ApiTokens) -> ApiToken:
    """Return the token in the Authorization header. Raises Unauthenticated when it is none of ours."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != SCHEME or not token.strip():
        msg = "a token is missing: send the header `Authorization: Bearer TOKEN` (the CLI reads PAAS_TOKEN)"
        raise Unauthenticated(msg)
    found = tokens.find(digest_of(token.strip()))
    if found is None:
        msg = "the token is unknown or revoked: ask an admin for a new one (POST /v1/tokens)"
        raise Unauthenticated(msg)
    return found


def authorize(token: ApiToken, needed: Role) -> None:
    """Raise Forbidden when the token's role does not cover the one that is needed."""
    if not token.role.covers(needed):
        msg = f"the token {token.name!r} has the role {token.role}, this needs {needed}"
        raise Forbidden(msg)


# One call of the API: who asks for what; and its answer.

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
PAGE = frozenset({"limit", "after"})

_MAX_DIGITS = 10

M = TypeVar("M", bound=BaseModel)


class Body(BaseModel):
    """A request's body; fields that are not known are refused by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # built at its first use: cold start


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`path` holds the parts of the path that vary, `query` the parameters that the route knows."""

    token: ApiToken
    path: Mapping[str, str]
    query: Mapping[str, str]
    content: bytes = field(repr=False)

    def fields(self) -> dict[str, Any]:
        """Return the body, a JSON object; none is an empty one. Raises Malformed, and Rejected for what is no text."""
        try:
            body = json.loads(self.content or b"{}")
        except (ValueError, RecursionError) as error:
            msg = "the body is not JSON"
            raise Malformed(msg) from error
        if not isinstance(body, dict):
            msg = "the body must be a JSON object"
            raise Malformed(msg)
        for name, value in body.items():
            if not all(map(is_text, (name, *_texts(value)))):
                msg = f"{name!r} holds NUL or half a surrogate pair, which no text may"
                raise Rejected(msg)
        return body

    def body(self, model: type[M]) -> M:
        """Return the body as a model. Raises Rejected naming each field that is wrong, never its value."""
        try:
            return model.model_validate(self.fields())
        except ValidationError as error:
            wrong = [f"{'.'.join(map(str, e['loc']))}: {_said(e['type'], e['msg'])}" for e in error.errors()]
            raise Rejected("; ".join(wrong)) from None

    def number(self, name: str, default: int = 0) -> int:
        """Return a query parameter that counts. Raises Malformed."""
        text = self.query.get(name, "")
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS or int(text) > 2**31 - 1:
            msg = f"?{name}= must be a whole number"
            raise Malformed(msg)
        return int(text)

    def limit(self) -> int:
        """Return how many items a page may have. Raises Malformed."""
        return max(1, min(self.number("limit", DEFAULT_LIMIT), MAX_LIMIT))

    def flag(self, name: str) -> bool:
        """Return a query parameter that is true or false. Raises Malformed."""
        text = self.query.get(name, "false").lower()
        if text not in {"true", "false", "1", "0", ""}:
            msg = f"?{name}= must be true or false"
            raise Malformed(msg)
        return text in {"true", "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`queued` when what was decided is kept but the broker has not taken its events yet: it happens later."""

    body: Mapping[str, Any] | None
    status: int = 200
    queued: bool = False


def is_text(text: str) -> bool:
    """Return whether PostgreSQL can keep it: no NUL, and nothing that UTF-8 has no bytes for."""
    return "\0" not in text and (text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text))


def page_of(items: list[dict[str, Any]], *, limit: int, key: str) -> Answer:
    """Return {"items": [...], "next": cursor or null}; the cursor goes into ?after= for the next page."""
    return Answer(body={"items": items, "next": str(items[-1][key]) if len(items) == limit else None})


def _texts(value: object) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one


def _said(kind: str, message: str) -> str:
    return "unknown field" if kind == "extra_forbidden" else message
