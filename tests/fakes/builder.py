"""A builder that only records orders."""

from functions.common.domain.build import BuildOrder, BuildResult, BuildState
from functions.common.errors import Rejected, Unavailable


class FakeBuilder:
    """Builder; read `orders` and `cancelled`, let builds end by `failed`. A commit of `unbuildable` is rejected."""

    def __init__(self) -> None:
        self.orders: dict[str, BuildOrder] = {}
        self.cancelled: set[str] = set()
        self.failed: set[str] = set()
        self.unbuildable = ""

    def start(self, order: BuildOrder) -> None:
        """Record an order once; see Builder."""
        if order.sha == self.unbuildable:
            msg = f"commit {order.sha} cannot be built"
            raise Rejected(msg)
        if order.name in self.failed and self.orders[order.name].push != order.push:
            self.failed.discard(order.name)
            self.cancelled.discard(order.name)
            del self.orders[order.name]
        if order.name in self.cancelled - self.failed and self.orders[order.name].push != order.push:
            msg = f"{order.name} is being cancelled"
            raise Unavailable(msg)
        self.orders.setdefault(order.name, order)

    def cancel(self, name: str) -> None:
        """Record the cancellation of a known order; see Builder."""
        if name in self.orders:
            self.cancelled.add(name)

    def observe(self, name: str) -> BuildResult | None:
        """Return that a known order runs, or has failed; see Builder."""
        state = BuildState.FAILED if name in self.failed else BuildState.RUNNING
        return BuildResult(name=name, state=state) if name in self.orders else None
