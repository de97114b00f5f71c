"""Access tokens: how they are made, and what is stored of them."""

import hashlib
import secrets

PREFIX = "slipway_"  # lets scanners recognise a leaked token


def new_token() -> str:
    """Return a new token."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
