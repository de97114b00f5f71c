"""Who may call the API."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Role(StrEnum):
    """A viewer reads, a deployer changes apps, an admin also reads secrets and gives tokens."""

    VIEWER = "viewer"
    DEPLOYER = "deployer"
    ADMIN = "admin"

    def covers(self, other: "Role") -> bool:
        """Return whether this role may do what the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A token that is in force; the token itself is kept nowhere."""

    name: str
    role: Role
    created_at: datetime


class ApiTokens(Protocol):
    """Keeps tokens by the SHA-256 of each, in hex."""

    def find(self, digest: str) -> ApiToken | None:
        """Return the token in force with this digest."""
        ...

    def add(self, name: str, role: Role, *, digest: str) -> bool:
        """Add a token; False when one of this name is in force."""
        ...

    def revoke(self, name: str) -> bool:
        """End the token of this name at once; False when there is none in force."""
        ...
