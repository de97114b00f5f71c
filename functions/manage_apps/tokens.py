"""Bearer tokens: who one is, giving and revoking them."""

import secrets
from functools import partial

from pydantic import Field

from functions.common.errors import NotFound
from functions.common.ports.apps import ApiTokens, AuditLog, Role
from functions.common.ports.events import Changes
from functions.manage_apps.request import Answer, Body, Call, Conflict, digest_of
from functions.manage_apps.routing import Route

PREFIX = "slipway_"  # so that a token that got somewhere it should not is recognised


class NewToken(Body):
    """POST /tokens."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")
    role: Role


def who_am_i(call: Call) -> Answer:
    """Answer {"name", "role"} of the token."""
    return Answer(body={"name": call.token.name, "role": call.token.role})


def create_token(call: Call, *, tokens: ApiTokens, changes: Changes, audit: AuditLog) -> Answer:
    """Answer 201 with {"name", "role", "token"}: the only time that the token is shown."""
    new, token = call.body(NewToken), PREFIX + secrets.token_urlsafe(32)
    with changes.begin():
        if not tokens.add(new.name, new.role, digest=digest_of(token)):
            msg = f"a token {new.name!r} is in force: revoke it first, or choose another name"
            raise Conflict(msg)
        audit.record(actor=call.token.name, action="token.create", target=new.name, detail=new.role)
    return Answer(status=201, body={"name": new.name, "role": new.role, "token": token})


def revoke_token(call: Call, *, tokens: ApiTokens, changes: Changes, audit: AuditLog) -> Answer:
    """Answer {"revoked": name}."""
    name = call.path["name"]
    with changes.begin():
        if not tokens.revoke(name):
            msg = f"there is no token {name!r} in force"
            raise NotFound(msg)
        audit.record(actor=call.token.name, action="token.revoke", target=name)
    return Answer(body={"revoked": name})


def routes(*, tokens: ApiTokens, changes: Changes, audit: AuditLog) -> tuple[Route, ...]:
    """Return the routes of tokens."""
    create = partial(create_token, tokens=tokens, changes=changes, audit=audit)
    revoke = partial(revoke_token, tokens=tokens, changes=changes, audit=audit)
    return (
        Route("GET", "/whoami", Role.VIEWER, who_am_i),
        Route("POST", "/tokens", Role.ADMIN, create),
        Route("DELETE", "/tokens/<name>", Role.ADMIN, revoke),
    )
