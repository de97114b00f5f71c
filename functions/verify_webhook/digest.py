"""HMAC-SHA256 of what forges send."""

import hmac

# For more than this at once, a few microseconds of work, hashlib lets the interpreter go, and gets it back only when
# the other threads of a busy moment have had it: that took longer than all the rest of a check.
_PIECE = 2047
_LARGE = 64 * 1024  # here others may well work meanwhile


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """Return the 32 bytes of HMAC-SHA256, as RFC 2104 has it."""
    if len(data) > _LARGE:
        return hmac.digest(key, data, "sha256")
    found = hmac.new(key, digestmod="sha256")
    for start in range(0, len(data), _PIECE):
        found.update(data[start : start + _PIECE])
    return found.digest()
