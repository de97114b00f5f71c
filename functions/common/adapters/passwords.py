"""Passwords by Argon2id."""

from dataclasses import dataclass, field
from threading import Semaphore
from typing import TYPE_CHECKING

from functions.common.adapters.lazy import lazy

if TYPE_CHECKING:
    import argon2
else:
    argon2 = lazy("argon2")

# OWASP's first choice: 19 MiB and 2 passes, 20 to 30 ms of CPU.
_MEMORY_KIB, _PASSES, _LANES = 19 * 1024, 2, 1
_AT_ONCE = 2  # the function has 192 MiB
# Verified when there is no such user, so that the answer takes as long.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$CRZ5PwZFrYGFP7sw/UVAiw$UGLW6X6Wx14eRMJgbHeXZrrS5yQJIX5aZILu8jGJRLg"


@dataclass(frozen=True, slots=True)
class Argon2Passwords:
    """PasswordHasher by argon2-cffi."""

    _slots: Semaphore = field(default_factory=lambda: Semaphore(_AT_ONCE), repr=False)

    def hash(self, password: str) -> str:
        """Return what is stored of a password; see PasswordHasher."""
        with self._slots:
            return self._hasher.hash(password)

    def verify(self, stored: str, password: str) -> bool:
        """Return whether a password is the stored one; see PasswordHasher."""
        with self._slots:
            try:
                return self._hasher.verify(stored or _NOBODY, password) and bool(stored)
            except argon2.exceptions.Argon2Error:
                return False

    def is_outdated(self, stored: str) -> bool:
        """Return whether a new hash would be stronger; see PasswordHasher."""
        return self._hasher.check_needs_rehash(stored)

    @property
    def _hasher(self) -> "argon2.PasswordHasher":
        return argon2.PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES)
