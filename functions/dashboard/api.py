"""Calls of the API with the visitor's own token: all that a visitor may see and do is decided there."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import quote

from functions.common.errors import SlipwayError

Json = dict[str, Any]
_ERRORS = range(400, 600)  # their bodies say what is wrong


class Refused(SlipwayError):
    """The API refuses a request; the text is for the visitor."""

    def __init__(self, text: str, *, status: int = HTTPStatus.UNPROCESSABLE_ENTITY) -> None:
        super().__init__(text)
        self.status = int(status)


class NoSession(Refused):
    """There is no session, or it has ended: the visitor has to log in."""

    def __init__(self) -> None:
        super().__init__("log in first", status=HTTPStatus.UNAUTHORIZED)


class Reply(Protocol):
    """An answer with its whole body."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        ...

    def object(self) -> Json:
        """Return the JSON object in the body. Raises Unavailable for anything else."""
        ...


class Service(Protocol):
    """An HTTP client of the API that sends the same headers with each call."""

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        attempts: int = 1,
        allow: Collection[int] = (),
    ) -> Reply:
        """Return the answer. Raises Unavailable when there is none."""
        ...


Connect = Callable[[Mapping[str, str]], Service]


def path(*parts: object) -> str:
    """Return a path of the API with these parts, each percent-encoded."""
    return "/v1/" + "/".join(quote(str(part), safe="") for part in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The API for one visitor. Every method raises Refused, NoSession and Unavailable."""

    service: Service = field(repr=False)
    has_token: bool

    def get(self, *parts: object, **query: object) -> Json:
        """Return the answer to a GET; query parameters without a value are left out."""
        given = {name: str(value) for name, value in query.items() if value not in {"", None}}
        return self._call("GET", path(*parts), query=given)

    def send(self, method: str, *parts: object, body: Mapping[str, Any] | None = None, query: str = "") -> Json:
        """Return the answer to a change; `query` is the scope of config."""
        return self._call(method, path(*parts), query={"scope": query} if query else {}, body=body or {})

    def _call(self, method: str, target: str, **given: Any) -> Json:  # noqa: ANN401 - as Service declares
        reply = self.service.call(method, target, allow=_ERRORS, attempts=1 if method != "GET" else 2, **given)
        if reply.status == HTTPStatus.UNAUTHORIZED and self.has_token and not target.endswith("/auth/password"):
            raise NoSession
        found = reply.object()
        if not reply.is_success:
            raise Refused(str(found.get("error", "the API refuses this without a reason")), status=reply.status)
        return found


def visitor_api(connect: Connect, *, token: str, address: str) -> Api:
    """Return the API for the visitor with this token and address."""
    headers = {"Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if address:
        headers["X-Forwarded-For"] = address  # attempts to log in are counted by the visitor's address
    return Api(service=connect(headers), has_token=bool(token))
