"""Who asks: a bearer token, known by its SHA-256."""

import hashlib

from functions.common.ports.api_tokens import ApiToken, ApiTokens, Role
from functions.manage_apps.refusals import Forbidden, Unauthenticated

SCHEME = "bearer"


def digest_of(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def authenticate(authorization: str, tokens: ApiTokens) -> ApiToken:
    """Return the token in the Authorization header. Raises Unauthenticated when it is none of ours."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != SCHEME or not token.strip():
        msg = "a token is missing: send the header `Authorization: Bearer TOKEN` (the CLI reads PAAS_TOKEN)"
        raise Unauthenticated(msg)
    found = tokens.find(digest_of(token.strip()))
    if found is None:
        msg = "the token is unknown or revoked: ask an admin for a new one (POST /v1/tokens)"
        raise Unauthenticated(msg)
    return found


def authorize(token: ApiToken, needed: Role) -> None:
    """Raise Forbidden when the token's role does not cover the one that is needed."""
    if not token.role.covers(needed):
        msg = f"the token {token.name!r} has the role {token.role}, this needs {needed}"
        raise Forbidden(msg)
