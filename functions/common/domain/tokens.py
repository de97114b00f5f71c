"""Access tokens: how they are made, and what is stored of them. Keys of the encryption at rest."""

import base64
import hashlib
import secrets

PREFIX = "slipway_"  # lets scanners recognise a leaked token


def new_token() -> str:
    """Return a new token."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def new_config_key() -> str:
    """Return a new key of SLIPWAY_CONFIG_KEYS, in the form of Fernet: 32 random bytes in URL-safe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
