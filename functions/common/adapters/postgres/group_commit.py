"""Deliveries that come in side by side are stored by one statement and one commit.

There is no timer and no thread: who finds nobody storing stores at once; who comes meanwhile waits,
and the first of those then stores for all of them.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from functions.common.domain.delivery import Delivery
from functions.common.errors import Unavailable
from functions.common.ports.deliveries import StoredDelivery

MAX_BYTES = 8 * 1024 * 1024  # of bodies in one statement; a larger one goes alone


class GroupStore(Protocol):
    """A store that takes many at once."""

    def store_all(self, deliveries: Sequence[Delivery]) -> list[StoredDelivery]:
        """Store all or none; return of each what DeliveryInbox.store returns."""
        ...


@dataclass(slots=True)
class _Call:
    delivery: Delivery
    woken: threading.Lock = field(default_factory=threading.Lock)
    stored: StoredDelivery | None = None
    error: Exception | None = None

    def __post_init__(self) -> None:
        self.woken.acquire()

    @property
    def is_done(self) -> bool:
        return self.stored is not None or self.error is not None


@dataclass(slots=True, kw_only=True)
class GroupCommit:
    """DeliveryInbox over a store; for many threads."""

    inner: GroupStore
    _waiting: list[_Call] = field(default_factory=list, repr=False)
    _storing: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def store(self, delivery: Delivery) -> StoredDelivery:
        """Store a delivery, perhaps with others; see DeliveryInbox."""
        call = _Call(delivery)
        with self._lock:
            self._waiting.append(call)
            leads, self._storing = not self._storing, True
        if not leads:
            call.woken.acquire()
        if not call.is_done:
            self._lead()
        if call.stored is None:
            raise call.error or RuntimeError
        return call.stored

    def _lead(self) -> None:
        """Store for all that wait; then wake the next to lead, and those that are served."""
        with self._lock:
            batch = self._take()
        try:
            self._store(batch)
        finally:
            with self._lock:
                following = self._waiting[:1]
                self._storing = bool(following)
            for call in following + batch[1:]:
                call.woken.release()

    def _take(self) -> list[_Call]:
        size = 0
        for count, call in enumerate(self._waiting):
            size += len(call.delivery.body)
            if count and size > MAX_BYTES:
                break
        else:
            count = len(self._waiting)
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    def _store(self, batch: Sequence[_Call]) -> None:
        try:
            results = self.inner.store_all([call.delivery for call in batch])
            for call, stored in zip(batch, results, strict=True):
                call.stored = stored
        except Unavailable as error:
            for call in batch:
                call.error = error
        except Exception as error:  # noqa: BLE001 - each caller raises what befell its own delivery
            if len(batch) == 1:
                batch[0].error = error
            else:
                for call in batch:  # one that the store does not take must not keep out the others
                    self._store([call])
