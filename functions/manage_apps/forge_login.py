"""Logins at the forge: a verified email there is a user here."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from functions.common.domain.clients import network_of
from functions.common.domain.tokens import digest_of
from functions.common.ports.accounts import ForgeLogin, ForgeLoginRefused, Invitations, LoginAttempts, User, Users
from functions.common.ports.audit import AuditLog
from functions.common.ports.events import Changes
from functions.manage_apps.account import Sessions, SessionView, too_many
from functions.manage_apps.errors import Unauthenticated
from functions.manage_apps.models import Body, NoBody, Query, View
from functions.manage_apps.operation import Answer, Call, operation

_BASE64 = r"^[A-Za-z0-9_.~-]*$"  # $ is the end of the text in pydantic's expressions


class Beginning(Query):
    """`state` comes back with the code; `challenge` is the SHA-256 of the verifier, in URL-safe base64 (RFC 7636)."""

    state: Annotated[str, Field(max_length=200, pattern=_BASE64)] = ""
    challenge: Annotated[str, Field(max_length=100, pattern=_BASE64)] = ""


class ForgeView(View):
    """`forge` is empty where logins are by password alone; `url` is where a login begins, for a given challenge."""

    forge: str
    url: str


class ForgeCode(Body):
    """What the forge led back with, and the verifier of the challenge."""

    code: str = Field(min_length=1, max_length=1000, repr=False)
    verifier: Annotated[str, Field(min_length=43, max_length=128, pattern=_BASE64, repr=False)]
    client: str = Field(default="", max_length=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeLoginHandlers:
    """The handlers of logins at the forge."""

    forge: ForgeLogin | None
    users: Users
    invitations: Invitations
    attempts: LoginAttempts
    sessions: Sessions
    changes: Changes
    audit: AuditLog

    @operation(Beginning, NoBody, ForgeView)
    def show_forge(self, call: Call[Beginning, NoBody]) -> Answer[ForgeView]:
        """Show at which forge users may log in, and where that begins."""
        if self.forge is None:
            return Answer(body=ForgeView(forge="", url=""))
        query = call.query
        url = self.forge.page(state=query.state, challenge=query.challenge) if query.challenge else ""
        return Answer(body=ForgeView(forge=self.forge.name, url=url))

    @operation(Beginning, ForgeCode, SessionView, refusals=(401, 422))
    def log_in_by_forge(self, call: Call[Beginning, ForgeCode]) -> Answer[SessionView]:
        """Log in with a code of the forge. A verified email there must be that of a user, or of an invitation."""
        if self.forge is None:
            msg = "logins at a forge are not set up here: log in with email and password"
            raise Unauthenticated(msg)
        attempt = digest_of(call.body.code)
        if wait := self.attempts.begin(account=attempt, address=call.address):
            raise too_many(wait)
        try:
            user = self._user(self._emails(self.forge, call.body), self.forge.name)
        except Unauthenticated:
            self.audit.refuse(actor="", action="login.refuse", target=self.forge.name, detail=network_of(call.address))
            raise
        self.attempts.succeed(account=attempt, address=call.address)
        return Answer(body=self.sessions.begin(user, call.body.client or self.forge.name))

    def _emails(self, forge: ForgeLogin, code: ForgeCode) -> tuple[str, ...]:
        try:
            emails = forge.emails(code=code.code, verifier=code.verifier)
        except ForgeLoginRefused:
            msg = f"{forge.name} does not confirm the login: begin again"
            raise Unauthenticated(msg) from None
        return emails

    def _user(self, emails: tuple[str, ...], forge: str) -> User:
        if not emails:
            msg = f"{forge} shows no verified email of yours: verify one there"
            raise Unauthenticated(msg)
        user = next(filter(None, map(self.users.by_email, emails)), None)
        user = user or next(filter(None, (self._invited(email, forge) for email in emails)), None)
        if user is None:
            msg = f"no user has the email {emails[0]}: ask an administrator for an invitation"
            raise Unauthenticated(msg)
        return user

    def _invited(self, email: str, forge: str) -> User | None:
        """Return a new user without a password, when the email is invited."""
        with self.changes.begin():
            invitation = self.invitations.take_for(email)
            if invitation is None:
                return None
            user = self.users.add(email, password="", administrator=invitation.administrator)
            self.audit.record(
                actor=email, action="user.join", target=email, detail=f"{invitation.invited_by}, by {forge}"
            )
        return user
