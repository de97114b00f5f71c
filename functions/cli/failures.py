"""How a command ends when it cannot do what was asked: a text on stderr and an exit code."""

import click

FAILED = 1
USAGE = 2
NOT_FOUND = 3
NOT_ALLOWED = 4
NOT_REACHABLE = 5

_BY_STATUS = {
    401: NOT_ALLOWED,
    403: NOT_ALLOWED,
    404: NOT_FOUND,
    400: USAGE,
    422: USAGE,
    502: NOT_REACHABLE,
    503: NOT_REACHABLE,
    504: NOT_REACHABLE,
}


class Failure(click.ClickException):
    """An error whose text says what to do; `exit_code` is one of the above."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc] # click reads it from the instance


class Unreachable(Failure):
    """The server does not answer, or answers that it cannot now; the same may work later."""

    def __init__(self, message: str) -> None:
        super().__init__(message, NOT_REACHABLE)


def failure_of(status: int, message: str) -> Failure:
    """Return the failure that an HTTP status stands for."""
    code = _BY_STATUS.get(status, FAILED)
    return Unreachable(message) if code == NOT_REACHABLE else Failure(message, code)
