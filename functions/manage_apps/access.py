"""Who calls, and what the caller may do: with the API, and with one app."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from functions.common.domain.app import Visibility
from functions.common.domain.tokens import digest_of
from functions.common.errors import NotFound
from functions.common.ports.accounts import AccessTokens, AppRole, Caller, Members, Membership, Scope
from functions.common.ports.apps import AppRecord, AppRegister
from functions.manage_apps.errors import Forbidden, Unauthenticated, UnknownToken

SCHEME = "bearer"


class Need(Enum):
    """What a route needs: a scope of the token, and beside it an account, an app role or an administrator."""

    PUBLIC = "no token"
    READ = "scope read"
    DEPLOY = "scope deploy"
    ACCOUNT = "a user's own token with the scope admin, for all apps"
    VIEWER = "scope read, and viewer of the app"
    DEPLOYER = "scope deploy, and deployer of the app"
    OWNER = "scope admin, and owner of the app"
    ADMINISTRATOR = "an administrator's token with the scope admin, for all apps"

    @property
    def scope(self) -> Scope:
        """The least scope of the token."""
        if self in {Need.PUBLIC, Need.READ, Need.VIEWER}:
            return Scope.READ
        return Scope.DEPLOY if self in {Need.DEPLOY, Need.DEPLOYER} else Scope.ADMIN

    @property
    def role(self) -> AppRole | None:
        """The least role in the app that the request is about; None when it is not about one."""
        return AppRole[self.name] if self.name in AppRole.__members__ else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a caller may do, on a route with this need."""

    caller: Caller
    need: Need
    members: Members = field(repr=False)

    @property
    def visibility(self) -> Visibility:
        """What lists may show to the caller."""
        return Visibility(user="" if self.caller.sees_all else self.caller.user, app=self.caller.app)

    def check(self) -> None:
        """Raise Forbidden when the token is not enough for the route, whatever the request is about."""
        caller = self.caller
        if not caller.scope.covers(self.need.scope):
            msg = f"the token {caller.name!r} has the scope {caller.scope}, this needs {self.need.scope}"
            raise Forbidden(msg)
        if self.need in {Need.ACCOUNT, Need.ADMINISTRATOR} and caller.app:
            msg = f"the token {caller.name!r} is only for the app {caller.app}, this needs one for all apps"
            raise Forbidden(msg)
        if self.need is Need.ACCOUNT and not caller.user:
            msg = f"the token {caller.name!r} belongs to no user: log in with `paas login`"
            raise Forbidden(msg)
        if self.need is Need.ADMINISTRATOR and not caller.sees_all:
            msg = f"{caller.actor} is not an administrator"
            raise Forbidden(msg)

    def allows(self, app: str, *, at: datetime | None = None) -> bool:
        """Return whether the caller may see the app, or what happened to it at that time.

        Raises Forbidden when the caller may see it, but the role is not enough for the route.
        """
        membership = self.membership(app)
        if membership is None or (at and membership.since and at < membership.since):
            return False
        self._check_role(app, membership, self.need)
        return True

    def demand(self, app: str, need: Need) -> None:
        """Raise Forbidden when the caller may not do with a visible app what a route with this need does."""
        Access(caller=self.caller, need=need, members=self.members).check()
        membership = self.membership(app)
        if membership is not None:
            self._check_role(app, membership, need)

    def membership(self, app: str) -> Membership | None:
        """Return the caller's membership of the app; None when the app is not to be seen."""
        if self.caller.app not in {"", app}:
            return None
        if self.caller.sees_all:
            return Membership(role=AppRole.OWNER)
        return self.members.of_user(app, self.caller.user) if app else None

    def _check_role(self, app: str, membership: Membership, need: Need) -> None:
        if need.role and not membership.role.covers(need.role):
            msg = f"you are {membership.role} of {app}, this needs {need.role}: see `paas access list --app {app}`"
            raise Forbidden(msg)


def authenticate(authorization: str, tokens: AccessTokens) -> Caller:
    """Return the caller of an Authorization header. Raises Unauthenticated."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != SCHEME or not token.strip():
        msg = "a token is missing: log in with `paas login`, or send the header `Authorization: Bearer TOKEN`"
        raise Unauthenticated(msg)
    found = tokens.find(digest_of(token.strip()))
    if found is None:
        msg = "the token is unknown, revoked or expired: log in again with `paas login`"
        raise UnknownToken(msg)
    return found


def found_app(register: AppRegister, reference: str, access: Access | None = None) -> AppRecord:
    """Return the app with this name or id. Raises NotFound, also when the caller may not see it, and Forbidden."""
    record = register.find(reference)
    if record is None or (access is not None and not access.allows(record.app.name)):
        msg = f"there is no app {reference!r}: see `paas apps list`"
        raise NotFound(msg)
    return record
