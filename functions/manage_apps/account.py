"""The caller's own account: log in and out, accept an invitation, change the password."""

from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from functions.common.domain.clients import network_of
from functions.common.domain.tokens import digest_of, new_token
from functions.common.errors import Rejected
from functions.common.ports.accounts import (
    AccessTokens,
    Invitations,
    LoginAttempts,
    PasswordHasher,
    Scope,
    User,
    Users,
)
from functions.common.ports.audit import AuditLog
from functions.common.ports.events import Changes
from functions.manage_apps.errors import Conflict, TooManyRequests, Unauthenticated
from functions.manage_apps.models import Body, Moment, NoBody, NoQuery, View
from functions.manage_apps.operation import Answer, Call, operation

SESSION = timedelta(days=30)
SHORTEST_PASSWORD = 12
_LONGEST_PASSWORD = 256


def checked_email(email: str) -> str:
    """Return the email in lower case. Raises pydantic's error when it is none."""
    text = email.strip().lower()
    name, at, host = text.rpartition("@")
    if not (name and at and host) or len(text) > 254 or not text.isprintable() or " " in text or "@" in name:  # noqa: PLR2004 - RFC 5321
        raise PydanticCustomError("email", "must be an email such as you@example.com")  # noqa: EM101 - a template
    return text


Email = Annotated[str, AfterValidator(checked_email)]
Password = Annotated[str, Field(max_length=_LONGEST_PASSWORD, repr=False)]
NewPassword = Annotated[str, Field(min_length=SHORTEST_PASSWORD, max_length=_LONGEST_PASSWORD, repr=False)]


class Login(Body):
    """`client` names where the token is used, for example a host; `GET /tokens` shows it."""

    email: Email
    password: Password
    client: str = Field(default="", max_length=100)


class AcceptedInvitation(Body):
    """The token of an invitation, and the password of the new account."""

    token: str = Field(max_length=200, repr=False)
    password: NewPassword


class ChangedPassword(Body):
    """All other sessions end."""

    current: Password
    new: NewPassword


class UserView(View):
    """A user."""

    email: str
    administrator: bool


class Session(View):
    """The token of a login; it allows everything that its user may do."""

    access_token: str
    token_type: str
    expires_at: Moment
    user: UserView


class SessionView(View):
    """The only answer that shows the token."""

    data: Session


class LoggedOut(View):
    """The name of the token that no longer works."""

    logged_out: str


class PasswordView(View):
    """The user whose password was changed."""

    changed: str


class CallerView(View):
    """The caller's token and user. `user` is null for a token of the platform, `app` empty for all apps."""

    name: str
    scope: Scope
    app: str
    expires_at: Moment | None
    user: UserView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountHandlers:
    """The handlers of the caller's own account."""

    users: Users
    tokens: AccessTokens
    invitations: Invitations
    attempts: LoginAttempts
    passwords: PasswordHasher
    sessions: "Sessions"
    changes: Changes
    audit: AuditLog

    @operation(NoQuery, Login, SessionView, refusals=(401,))
    def log_in(self, call: Call[NoQuery, Login]) -> Answer[SessionView]:
        """Log in with email and password. Attempts are slowed per account and per address (429, Retry-After)."""
        user = self._verified(call.body.email, call.body.password, call.address)
        if self.passwords.is_outdated(user.password):
            self.users.set_password(user.id, self.passwords.hash(call.body.password))
        return Answer(body=self.sessions.begin(user, call.body.client or "login"))

    @operation(NoQuery, AcceptedInvitation, SessionView, statuses=(201,), refusals=(401, 409))
    def accept_invitation(self, call: Call[NoQuery, AcceptedInvitation]) -> Answer[SessionView]:
        """Accept an invitation: creates the account with this password and logs in."""
        digest = digest_of(call.body.token)
        wait = self.attempts.begin(account=digest, address=call.address)
        if wait:
            raise too_many(wait)
        user = self._joined(digest, self.passwords.hash(call.body.password))
        if user is None:
            self.audit.refuse(actor="", action="invitation.refuse", detail=network_of(call.address))
            msg = "the invitation is unknown, used or expired: ask an administrator for a new one"
            raise Unauthenticated(msg)
        self.attempts.succeed(account=digest, address=call.address)
        return Answer(status=201, body=self.sessions.begin(user, "invitation"))

    @operation(NoQuery, NoBody, LoggedOut)
    def log_out(self, call: Call[NoQuery, NoBody]) -> Answer[LoggedOut]:
        """Revoke the token of this request."""
        with self.changes.begin():
            self.tokens.revoke_id(call.caller.token)
            self.audit.record(actor=call.actor, action="logout", target=call.caller.name)
        return Answer(body=LoggedOut(logged_out=call.caller.name))

    @operation(NoQuery, ChangedPassword, PasswordView)
    def change_password(self, call: Call[NoQuery, ChangedPassword]) -> Answer[PasswordView]:
        """Change the password. All other sessions of the user end; named tokens stay."""
        user = self._verified(call.caller.email, call.body.current, call.address)
        if call.body.new.lower() == user.email:
            msg = "new: must not be the email"
            raise Rejected(msg)
        password = self.passwords.hash(call.body.new)
        with self.changes.begin():
            self.users.set_password(user.id, password)
            self.tokens.revoke_sessions(user.id, but=call.caller.token)
            self.audit.record(actor=user.email, action="password.change", target=user.email)
        return Answer(body=PasswordView(changed=user.email))

    @operation(NoQuery, NoBody, CallerView)
    def who_am_i(self, call: Call[NoQuery, NoBody]) -> Answer[CallerView]:
        """Show whom the token belongs to and what it allows."""
        caller = call.caller
        user = UserView(email=caller.email, administrator=caller.administrator) if caller.user else None
        body = CallerView(name=caller.name, scope=caller.scope, app=caller.app, expires_at=caller.expires_at, user=user)
        return Answer(body=body)

    def _joined(self, digest: str, password: str) -> User | None:
        """Return the new user of an invitation, None when it is not in force."""
        with self.changes.begin():
            invitation = self.invitations.take(digest)
            if invitation is None:
                return None
            user = self.users.add(invitation.email, password=password, administrator=invitation.administrator)
            if user is None:
                msg = f"{invitation.email} is a user already: log in with `paas login`"
                raise Conflict(msg)
            self.audit.record(actor=user.email, action="user.join", target=user.email, detail=invitation.invited_by)
        return user

    def _verified(self, email: str, password: str, address: str) -> User:
        """Return the user with this email and password. Raises Unauthenticated and TooManyRequests."""
        wait = self.attempts.begin(account=email, address=address)
        if wait:
            raise too_many(wait)
        user = self.users.by_email(email)
        if not self.passwords.verify(user.password if user else "", password) or user is None:
            # Also for an unknown email, without it: the answers must take equally long.
            known = user.email if user else ""
            self.audit.refuse(actor=known, action="login.refuse", target=known, detail=network_of(address))
            msg = "the email or the password is wrong"
            raise Unauthenticated(msg)
        self.attempts.succeed(account=email, address=address)
        return user


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """Begins sessions."""

    tokens: AccessTokens
    changes: Changes
    audit: AuditLog

    def begin(self, user: User, client: str) -> SessionView:
        """Return a new session of the user; `client` names where it is used."""
        token = new_token()
        with self.changes.begin():
            expires_at = self.tokens.add_session(client, digest=digest_of(token), user=user.id, lifetime=SESSION)
            self.audit.record(actor=user.email, action="login", target=user.email, detail=client)
        session = Session(
            access_token=token,
            token_type="Bearer",  # noqa: S106 - the type of every token
            expires_at=expires_at,
            user=UserView(email=user.email, administrator=user.administrator),
        )
        return SessionView(data=session)


def too_many(wait: float) -> TooManyRequests:
    """Return the refusal of an attempt that came too soon; `wait` is in seconds."""
    seconds = ceil(wait)
    msg = f"too many failed attempts: wait {seconds} s before the next one"
    return TooManyRequests(msg, seconds=seconds)
