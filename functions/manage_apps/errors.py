"""Why the API refuses a request, and the HTTP status of each reason."""

from functions.common.errors import NotFound, Rejected, SlipwayError, Unavailable


class Malformed(Rejected):
    """The request cannot be read: its JSON, its URL or a query parameter."""


class Unauthenticated(Rejected):
    """The request has no valid token."""


class UnknownToken(Unauthenticated):
    """The request has a token that is not in force."""


class Forbidden(Rejected):
    """The caller's role does not allow this."""


class MethodNotAllowed(Rejected):
    """The path exists, but not with this method."""


class Conflict(Rejected):
    """The request contradicts the current state."""


class UnsupportedMediaType(Rejected):
    """The body is not JSON by its Content-Type."""


class TooManyRequests(Rejected):
    """The caller has to wait."""

    def __init__(self, message: str, *, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


_STATUSES: tuple[tuple[type[SlipwayError], int], ...] = (
    (Malformed, 400),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (MethodNotAllowed, 405),
    (Conflict, 409),
    (UnsupportedMediaType, 415),
    (TooManyRequests, 429),
    (Rejected, 422),
    (Unavailable, 503),
)


def status_of(error: SlipwayError) -> int:
    """Return the HTTP status of an error."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
