"""Base classes of what the API reads and answers.

Every model is built at its first use (`defer_build`): building all of them would double the cold start.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from functions.common.errors import Rejected
from functions.manage_apps.errors import Malformed

INT32 = 2**31 - 1
INT64 = 2**63 - 1
DEFAULT_LIMIT = 50
MAX_LIMIT = 200

T = TypeVar("T")


# What a request carries.


class Query(BaseModel):
    """The query parameters of a route; unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Return the validated parameters. Raises Malformed naming each wrong one."""
        unknown = sorted(parameters.keys() - cls.model_fields.keys())
        if unknown:
            known = f"it takes {', '.join(sorted(cls.model_fields))}" if cls.model_fields else "it takes none"
            msg = f"unknown query parameter {', '.join(unknown)}: {known}"
            raise Malformed(msg)
        try:
            return cls.model_validate(parameters)
        except ValidationError as error:
            raise Malformed("; ".join(f"query parameter {problem}" for problem in _problems(error))) from None


class Body(BaseModel):
    """The JSON object in a request's body; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Self:
        """Return the validated fields. Raises Rejected naming each wrong one, never its value."""
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise Rejected("; ".join(_problems(error))) from None


class NoQuery(Query):
    """The route takes no query parameters."""


class NoBody(Body):
    """The route takes no fields: the body is empty, or an empty object."""


def _problems(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(map(str, one['loc']))}: {'unknown field' if one['type'] == 'extra_forbidden' else one['msg']}"
        for one in error.errors(include_input=False, include_url=False)
    ]


def _whole_number(value: object) -> object:
    # pydantic also takes "+5", " 5 " and "1_000".
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        raise PydanticCustomError("whole_number", "must be a whole number")  # noqa: EM101 - pydantic's template
    return value


Count = Annotated[int, Field(ge=0, le=INT32), BeforeValidator(_whole_number)]
Offset = Annotated[int, Field(ge=0, le=INT64), BeforeValidator(_whole_number)]


def _clamped(limit: int) -> int:
    return max(1, min(limit, MAX_LIMIT))


class Page(Query):
    """How many items to answer, at most 200."""

    limit: Annotated[Count, AfterValidator(_clamped)] = DEFAULT_LIMIT


class NumberPage(Page):
    """A page of items that are ordered by number; `after` is the `next` of the page before."""

    after: Offset = 0


class NamePage(Page):
    """A page of items that are ordered by name; `after` is the `next` of the page before."""

    after: str = ""


# What an answer carries.


class View(BaseModel):
    """One JSON object in an answer. Only declared fields are public, whatever the record beneath has."""

    model_config = ConfigDict(frozen=True, from_attributes=True, defer_build=True)

    @classmethod
    def of(cls, record: object) -> Self:
        """Return the view of a record: the fields that both have."""
        return cls.model_validate(record)


class ChangeView(View):
    """The answer to a change that publishes events.

    `queued` is present and true when the broker did not accept the events yet: the change is stored and takes
    effect when reconcile sends them.
    """

    queued: bool = Field(default=False, exclude_if=operator.not_)


class ErrorView(View):
    """Every error's body: what is wrong, and what to do about it."""

    error: str


class PageView(View):
    """One page of a list; `next` is the value of `after` for the page that follows, null on the last page."""

    next: str | None


Moment = Annotated[
    datetime,
    PlainSerializer(datetime.isoformat, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


def next_page(items: Sequence[T], limit: int, key: Callable[[T], object]) -> str | None:
    """Return the cursor of the page that follows a full page of items."""
    return str(key(items[-1])) if len(items) == limit else None
