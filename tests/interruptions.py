"""Interrupts a function at any point between its calls to ports."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from functions.common.errors import Unavailable

P = TypeVar("P")


class Fuse:
    """Raises once, at its nth point: before a call to a port, or after it, so that the answer is lost."""

    def __init__(self) -> None:
        self.points = 0
        self.blows_at = 0

    def set(self, point: int) -> None:
        """Raise at the nth point from now; 0 is never."""
        self.points, self.blows_at = 0, point

    def pass_point(self) -> None:
        """Count a point, and raise at the chosen one."""
        self.points += 1
        if self.points == self.blows_at:
            msg = "interrupted"
            raise Unavailable(msg)

    def around(self, port: P) -> P:
        """Return the port with a point before and after each of its calls."""
        return cast("P", _Fused(port, self))


class _Fused:
    def __init__(self, port: object, fuse: Fuse) -> None:
        self._port, self._fuse = port, fuse

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self._port, name)

        def called(*args: Any, **named: Any) -> Any:  # noqa: ANN401 - any port's
            self._fuse.pass_point()
            answer = method(*args, **named)
            self._fuse.pass_point()
            return answer

        return called
