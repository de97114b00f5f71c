"""A builder that only takes notes."""

from functions.common.domain.build import BuildOrder, BuildResult, BuildState
from functions.common.errors import Rejected


class FakeBuilder:
    """Builder; read `orders` and `cancelled`. A commit of `unbuildable` is rejected."""

    def __init__(self) -> None:
        self.orders: dict[str, BuildOrder] = {}
        self.cancelled: set[str] = set()
        self.unbuildable = ""

    def start(self, order: BuildOrder) -> None:
        """Take an order once; see Builder."""
        if order.sha == self.unbuildable:
            msg = f"commit {order.sha} cannot be built"
            raise Rejected(msg)
        self.orders.setdefault(order.name, order)

    def cancel(self, name: str) -> None:
        """Note that an order that is known is not wanted; see Builder."""
        if name in self.orders:
            self.cancelled.add(name)

    def observe(self, name: str) -> BuildResult | None:
        """Return that an order that is known runs; see Builder."""
        return BuildResult(name=name, state=BuildState.RUNNING) if name in self.orders else None
