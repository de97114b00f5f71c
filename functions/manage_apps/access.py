"""Who calls, whether the role is enough, and which app is meant."""

import hashlib

from functions.common.errors import NotFound
from functions.common.ports.apps import ApiToken, ApiTokens, AppRecord, AppRegister, Role
from functions.manage_apps.errors import Forbidden, Unauthenticated

SCHEME = "bearer"


def digest_of(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def authenticate(authorization: str, tokens: ApiTokens) -> ApiToken:
    """Return the token of an Authorization header. Raises Unauthenticated."""
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
    """Raise Forbidden when the token's role does not cover the needed one."""
    if not token.role.covers(needed):
        msg = f"the token {token.name!r} has the role {token.role}, this needs {needed}"
        raise Forbidden(msg)


def found_app(register: AppRegister, reference: str) -> AppRecord:
    """Return the app with this name or id. Raises NotFound."""
    record = register.find(reference)
    if record is None:
        msg = f"there is no app {reference!r}: see `paas apps list`"
        raise NotFound(msg)
    return record
