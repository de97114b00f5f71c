"""Encryption by Fernet, of the package cryptography: AES in CBC mode with an HMAC."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from functions.common.adapters.lazy import lazy
from functions.common.errors import Rejected

if TYPE_CHECKING:
    from cryptography import fernet
else:  # 30 ms
    fernet = lazy("cryptography.fernet")

_MARK = "sealed:v1:"
_NO_KEY = "it is encrypted with a key that SLIPWAY_CONFIG_KEYS does not have: put that key behind the newest one"


@dataclass(frozen=True, slots=True, kw_only=True)
class FernetCipher:
    """Cipher with these keys, the newest first. Without one it encrypts nothing, and opens what is not encrypted."""

    keys: Sequence[str] = field(default=(), repr=False)

    def seal(self, text: str) -> str:
        """Return the encrypted text; see Cipher."""
        return _MARK + fernet.Fernet(self.keys[0]).encrypt(text.encode()).decode() if self.keys else text

    def open(self, sealed: str) -> str:
        """Return the text; see Cipher."""
        if not sealed.startswith(_MARK):
            return sealed
        for key in self.keys:
            if (text := _opened(key, sealed)) is not None:
                return text
        raise Rejected(_NO_KEY)

    def renew(self, sealed: str) -> str:
        """Return what the newest key opens; see Cipher."""
        is_current = self.keys and sealed.startswith(_MARK) and _opened(self.keys[0], sealed) is not None
        return sealed if is_current else self.seal(self.open(sealed))


def _opened(key: str, sealed: str) -> str | None:
    try:
        return fernet.Fernet(key).decrypt(sealed.removeprefix(_MARK)).decode()
    except fernet.InvalidToken:
        return None
