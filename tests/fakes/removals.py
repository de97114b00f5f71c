"""Removals in memory."""


class FakeRemovals:
    """Removals; read `known`."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], int] = {}

    def record(self, app: str, environment: str, *, through: int) -> None:
        """Record the number; see Removals."""
        self.known[app, environment] = max(through, self.through(app, environment))

    def through(self, app: str, environment: str) -> int:
        """Return the number; see Removals."""
        return self.known.get((app, environment), 0)
