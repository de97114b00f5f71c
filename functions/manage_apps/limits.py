"""How many requests the API takes: by user or platform token, and by address where there is neither."""

from dataclasses import dataclass
from math import ceil

from functions.common.domain.clients import network_of
from functions.common.ports.accounts import Caller
from functions.common.ports.audit import AuditLog
from functions.common.ports.limits import RateLimit, Strangers
from functions.manage_apps.errors import TooManyRequests


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """Limits requests, and audits in sum what is refused."""

    callers: RateLimit
    addresses: RateLimit
    strangers: Strangers
    audit: AuditLog

    def check_caller(self, caller: Caller) -> None:
        """Count a request of a caller. Raises TooManyRequests."""
        if wait := self.callers.take(caller.user or caller.token):
            raise self._too_many(caller.actor, f"of {caller.actor}", wait)

    def check_address(self, address: str) -> None:
        """Count a request that needs no token. Raises TooManyRequests."""
        network = network_of(address)
        if wait := self.addresses.take(network):
            raise self._too_many(network, f"from {network}", wait)

    def refuse_token(self, address: str) -> None:
        """Count and audit an unknown token. Raises TooManyRequests."""
        if seconds := self.strangers.refuse(address):
            whose = f"with unknown tokens from {network_of(address)}"
            raise _too_many(whose, seconds)

    def _too_many(self, actor: str, whose: str, wait: float) -> TooManyRequests:
        self.audit.limit(actor=actor, action="api.limit", detail="too many requests")
        return _too_many(whose, ceil(wait))


def _too_many(whose: str, seconds: int) -> TooManyRequests:
    return TooManyRequests(f"too many requests {whose}: wait {seconds} s before the next one", seconds=seconds)
