"""Access tokens of the caller: create, list, revoke."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from functions.common.domain.tokens import digest_of, new_token
from functions.common.errors import NotFound
from functions.common.ports.accounts import AccessTokens, Scope
from functions.common.ports.apps import AppRegister
from functions.common.ports.audit import AuditLog
from functions.common.ports.events import Changes
from functions.manage_apps.access import found_app
from functions.manage_apps.errors import Conflict
from functions.manage_apps.models import Body, Moment, NoBody, NoQuery, PageView, View
from functions.manage_apps.operation import Answer, Call, operation

DEFAULT_DAYS = 90
MAX_DAYS = 365


class NewToken(Body):
    """A token allows what its user may do, within its scope; with `app` only for that app.

    A name is unique among the user's tokens in force.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")
    scope: Scope = Scope.DEPLOY
    app: str = ""
    days: Annotated[int, Field(ge=1, le=MAX_DAYS, strict=True)] = DEFAULT_DAYS


class TokenView(View):
    """A token: `kind` is access, or session for that of a login; `app` is empty for all apps."""

    id: str
    name: str
    scope: Scope
    app: str
    kind: str
    created_at: Moment
    expires_at: Moment | None


class Tokens(PageView):
    """Tokens in force, newest first."""

    items: tuple[TokenView, ...]


class CreatedToken(View):
    """The only answer that shows the token."""

    name: str
    scope: Scope
    app: str
    expires_at: Moment
    token: str


class RevokedToken(View):
    """The name of the token that was revoked."""

    revoked: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenHandlers:
    """The handlers of access tokens."""

    tokens: AccessTokens
    register: AppRegister
    changes: Changes
    audit: AuditLog

    @operation(NoQuery, NoBody, Tokens)
    def list_tokens(self, call: Call[NoQuery, NoBody]) -> Answer[Tokens]:
        """List the caller's tokens in force, those of logins too."""
        items = tuple(TokenView.of(one) for one in self.tokens.of_user(call.caller.user))
        return Answer(body=Tokens(items=items, next=None))

    @operation(NoQuery, NewToken, CreatedToken, statuses=(201,), refusals=(404, 409))
    def create_token(self, call: Call[NoQuery, NewToken]) -> Answer[CreatedToken]:
        """Create a token. It is shown this once and stored as a digest."""
        new, token, user = call.body, new_token(), call.caller.user
        app = found_app(self.register, new.app, call.access).app.name if new.app else ""
        with self.changes.begin():
            lifetime = timedelta(days=new.days)
            expires_at = self.tokens.add(
                new.name, new.scope, digest=digest_of(token), user=user, app=app, lifetime=lifetime
            )
            if expires_at is None:
                msg = f"name: you have a token {new.name!r} in force: revoke it first, or choose another name"
                raise Conflict(msg)
            detail = " ".join(filter(None, (new.scope, app)))
            self.audit.record(actor=call.actor, action="token.create", target=new.name, detail=detail)
        body = CreatedToken(name=new.name, scope=new.scope, app=app, expires_at=expires_at, token=token)
        return Answer(status=201, body=body)

    @operation(NoQuery, NoBody, RevokedToken)
    def revoke_token(self, call: Call[NoQuery, NoBody]) -> Answer[RevokedToken]:
        """Revoke the token with this name or id at once, also that of a login."""
        name = call.path["name"]
        with self.changes.begin():
            if not self.tokens.revoke(name, user=call.caller.user):
                msg = f"you have no token {name!r} in force: see `paas tokens list`"
                raise NotFound(msg)
            self.audit.record(actor=call.actor, action="token.revoke", target=name)
        return Answer(body=RevokedToken(revoked=name))
