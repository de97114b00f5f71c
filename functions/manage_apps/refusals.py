"""Why a request is refused, and the HTTP status that says so."""

from functions.common.errors import NotFound, Rejected, SlipwayError, Unavailable


class Malformed(Rejected):
    """The body or a query parameter cannot be read."""


class Unauthenticated(Rejected):
    """Nobody we know asks."""


class Forbidden(Rejected):
    """Who asks may not do this."""


class Conflict(Rejected):
    """What is asked for contradicts what is there."""


class TooLarge(Rejected):
    """The body is longer than the limit."""


class NotAllowed(Rejected):
    """The path exists, but not with this method."""


_STATUSES: tuple[tuple[type[SlipwayError], int], ...] = (
    (Malformed, 400),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (NotAllowed, 405),
    (Conflict, 409),
    (TooLarge, 413),
    (Rejected, 422),
    (Unavailable, 503),
)


def status_of(error: SlipwayError) -> int:
    """Return the HTTP status that tells a client what to do about the error."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
