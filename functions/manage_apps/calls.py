"""One call of the API: who asks for what; and its answer."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from functions.common.errors import Rejected
from functions.common.ports.api_tokens import ApiToken
from functions.manage_apps.refusals import Malformed

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
