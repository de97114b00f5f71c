"""How much of one thing is accepted."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many at once, of which one is earned again every `seconds`. With a `burst` of 0 there is no limit."""

    burst: int
    seconds: float

    @classmethod
    def per_minute(cls, count: int) -> "Rate":
        """Return the rate of so many a minute, which may come at once; 0 is no limit."""
        return cls(burst=count, seconds=60 / count if count else 0)


class RateLimit(Protocol):
    """Limits one thing for each subject: an address, a user. All processes count together."""

    def take(self, subject: str) -> float:
        """Count one and return 0, or count nothing and return the seconds until one is earned again."""
        ...


class Strangers(Protocol):
    """Callers with a token that is not in force: limited by address, and audited in sum."""

    def refuse(self, connected: str, forwarded: str = "") -> int:
        """Count and audit one, and return 0; beyond the limit return how many seconds the caller has to wait.

        `connected` is the address of the connection, `forwarded` the header X-Forwarded-For.
        """
        ...
