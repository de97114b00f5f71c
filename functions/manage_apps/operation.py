"""An operation of the API: the models that its handler declares, the call that it gets, the answer that it gives."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from functions.common.ports.accounts import Caller
from functions.common.ports.apps import AppRecord
from functions.manage_apps.access import Access
from functions.manage_apps.models import Body, Query, View

Q = TypeVar("Q", bound=Query)
B = TypeVar("B", bound=Body)
C = TypeVar("C", bound=Body)
V = TypeVar("V", bound=View)
V_co = TypeVar("V_co", bound=View, covariant=True)
H = TypeVar("H")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Q, B]):
    """A request that may be handled: the caller is known and allowed, query and body are valid.

    `path` holds the variable parts of the path. `granted` is None on public routes, `named_app` on paths without
    <app>. `address` is where the request comes from, as far as proxies say. `streams` when the caller accepts
    Server-Sent Events; `last_event` is the id of the last one that it got.
    """

    path: Mapping[str, str]
    query: Q
    body: B
    address: str = ""
    streams: bool = False
    last_event: str = ""
    granted: Access | None = None
    named_app: AppRecord | None = field(default=None, repr=False)

    def carrying(self, body: C, **path: str) -> "Call[Q, C]":
        """Return the same call with another body, and other variable parts of the path."""
        return Call(
            path={**self.path, **path},
            query=self.query,
            body=body,
            address=self.address,
            granted=self.granted,
            named_app=self.named_app,
        )

    @property
    def access(self) -> Access:
        """What the caller may do."""
        if self.granted is None:
            msg = "the route is public"
            raise TypeError(msg)
        return self.granted

    @property
    def caller(self) -> Caller:
        """Who calls."""
        return self.access.caller

    @property
    def actor(self) -> str:
        """Who calls, as the audit log and events say it."""
        return self.access.caller.actor

    @property
    def app(self) -> AppRecord:
        """The app that the path names."""
        if self.named_app is None:
            msg = "the route's path has no <app>"
            raise TypeError(msg)
        return self.named_app


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[V_co]):
    """`queued` when the change is stored but the broker did not accept its events yet: reconcile sends them.

    `stream` are Server-Sent Events to send instead of the body.
    """

    body: V_co
    status: int = 200
    queued: bool = False
    stream: Iterator[bytes] | None = None


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
