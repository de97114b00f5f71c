"""API tokens: create, revoke, and show the caller's own."""

import secrets
from dataclasses import dataclass

from pydantic import Field

from functions.common.errors import NotFound
from functions.common.ports.apps import ApiTokens, AuditLog, Role
from functions.common.ports.events import Changes
from functions.manage_apps.access import digest_of
from functions.manage_apps.errors import Conflict
from functions.manage_apps.models import Body, NoBody, NoQuery, View
from functions.manage_apps.operation import Answer, Call, operation

PREFIX = "slipway_"  # lets scanners recognise a leaked token


class NewToken(Body):
    """A token's name is unique among those in force."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")
    role: Role


class CallerView(View):
    """The caller's token."""

    name: str
    role: Role


class CreatedToken(View):
    """The only answer that shows the token."""

    name: str
    role: Role
    token: str


class RevokedToken(View):
    """The name of the token that was revoked."""

    revoked: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenHandlers:
    """The handlers of tokens."""

    tokens: ApiTokens
    changes: Changes
    audit: AuditLog

    @operation(NoQuery, NoBody, CallerView)
    def who_am_i(self, call: Call[NoQuery, NoBody]) -> Answer[CallerView]:
        """Show the caller's name and role."""
        return Answer(body=CallerView(name=call.token.name, role=call.token.role))

    @operation(NoQuery, NewToken, CreatedToken, statuses=(201,), refusals=(409,))
    def create_token(self, call: Call[NoQuery, NewToken]) -> Answer[CreatedToken]:
        """Create a token. It is shown this once and stored as a digest."""
        new, token = call.body, PREFIX + secrets.token_urlsafe(32)
        with self.changes.begin():
            if not self.tokens.add(new.name, new.role, digest=digest_of(token)):
                msg = f"a token {new.name!r} is in force: revoke it first, or choose another name"
                raise Conflict(msg)
            self.audit.record(actor=call.token.name, action="token.create", target=new.name, detail=new.role)
        return Answer(status=201, body=CreatedToken(name=new.name, role=new.role, token=token))

    @operation(NoQuery, NoBody, RevokedToken)
    def revoke_token(self, call: Call[NoQuery, NoBody]) -> Answer[RevokedToken]:
        """Revoke a token at once."""
        name = call.path["name"]
        with self.changes.begin():
            if not self.tokens.revoke(name):
                msg = f"there is no token {name!r} in force"
                raise NotFound(msg)
            self.audit.record(actor=call.token.name, action="token.revoke", target=name)
        return Answer(body=RevokedToken(revoked=name))
