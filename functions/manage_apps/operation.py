"""An operation of the API: the models that its handler declares, the call that it gets, the answer that it gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from functions.common.ports.apps import ApiToken, AppRecord
from functions.manage_apps.models import Body, Query, View

Q = TypeVar("Q", bound=Query)
B = TypeVar("B", bound=Body)
V = TypeVar("V", bound=View)
V_co = TypeVar("V_co", bound=View, covariant=True)
H = TypeVar("H")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Q, B]):
    """A request that may be handled: the caller is known and allowed, query and body are valid.

    `path` holds the variable parts of the path. `caller` is None on routes without a role, `named_app` on paths
    without <app>.
    """

    path: Mapping[str, str]
    query: Q
    body: B
    caller: ApiToken | None = None
    named_app: AppRecord | None = field(default=None, repr=False)

    @property
    def token(self) -> ApiToken:
        """The caller's token."""
        if self.caller is None:
            msg = "the route declares no role"
            raise TypeError(msg)
        return self.caller

    @property
    def app(self) -> AppRecord:
        """The app that the path names."""
        if self.named_app is None:
            msg = "the route's path has no <app>"
            raise TypeError(msg)
        return self.named_app


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[V_co]):
    """`queued` when the change is stored but the broker did not accept its events yet: reconcile sends them."""

    body: V_co
    status: int = 200
    queued: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The models of a handler. `statuses` are those of success, the usual one first.

    `refusals` are errors beside those that follow from the route.
    """

    query: type[Query]
    body: type[Body]
    answer: type[View]
    statuses: tuple[int, ...]
    refusals: tuple[int, ...]


def operation(
    query: type[Q],
    body: type[B],
    answer: type[V],
    *,
    statuses: tuple[int, ...] = (200,),
    refusals: tuple[int, ...] = (),
) -> Callable[[Callable[[H, Call[Q, B]], Answer[V]]], Callable[[H, Call[Q, B]], Answer[V]]]:
    """Declare the operation of a handler, a method; its docstring is the operation's description."""
    declared = Operation(query=query, body=body, answer=answer, statuses=statuses, refusals=refusals)

    def declare(handle: Callable[[H, Call[Q, B]], Answer[V]]) -> Callable[[H, Call[Q, B]], Answer[V]]:
        handle.operation = declared  # type: ignore[attr-defined] # read by declared_by
        return handle

    return declare


def declared_by(handle: Callable[[Call[Any, Any]], Answer[View]]) -> Operation:
    """Return the operation that a handler declares."""
    found: Operation = handle.operation  # type: ignore[attr-defined] # set by operation
    return found
