"""Users and invitations, for administrators. Nobody can register without an invitation."""

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Annotated

from pydantic import Field

from functions.common.domain.tokens import digest_of, new_token
from functions.common.errors import NotFound, Rejected
from functions.common.events.app import AccountChanged
from functions.common.ports.accounts import Invitation, Invitations, User, Users
from functions.common.ports.audit import AuditLog
from functions.common.ports.clock import Clock
from functions.common.ports.events import Changes
from functions.manage_apps.account import Email
from functions.manage_apps.errors import Conflict
from functions.manage_apps.models import Body, Moment, NamePage, NoBody, NoQuery, PageView, View, next_page
from functions.manage_apps.operation import Answer, Call, operation

INVITATION = timedelta(days=7)


class UserChange(Body):
    """Administrators see and change everything."""

    administrator: Annotated[bool, Field(strict=True)]


class NewInvitation(Body):
    """Who may create an account, and whether as an administrator."""

    email: Email
    administrator: Annotated[bool, Field(strict=True)] = False


class UserWithAge(View):
    """A user."""

    email: str
    administrator: bool
    created_at: Moment


class UserPage(PageView):
    """Users, by email."""

    items: tuple[UserWithAge, ...]


class RemovedUser(View):
    """The email of the user that was removed."""

    removed: str


class InvitationView(View):
    """An invitation that was not accepted yet."""

    email: str
    administrator: bool
    invited_by: str
    expires_at: Moment


class InvitationPage(PageView):
    """Invitations, by email."""

    items: tuple[InvitationView, ...]


class CreatedInvitation(InvitationView):
    """The only answer that shows the token: give it to the invited person."""

    token: str


class WithdrawnInvitation(View):
    """The email whose invitation was withdrawn."""

    withdrawn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserHandlers:
    """The handlers of users and invitations."""

    users: Users
    invitations: Invitations
    changes: Changes
    audit: AuditLog
    clock: Clock

    @operation(NamePage, NoBody, UserPage)
    def list_users(self, call: Call[NamePage, NoBody]) -> Answer[UserPage]:
        """List users, by email."""
        limit = call.query.limit
        items = tuple(UserWithAge.of(one) for one in self.users.page(after=call.query.after, limit=limit))
        return Answer(body=UserPage(items=items, next=next_page(items, limit, lambda one: one.email)))

    @operation(NoQuery, UserChange, UserWithAge, refusals=(409,))
    def change_user(self, call: Call[NoQuery, UserChange]) -> Answer[UserWithAge]:
        """Make a user an administrator or not; 409 when no administrator would be left.

        Invitations that this user made as an administrator end.
        """
        user = self._user(call.path["email"])
        with self.changes.begin():
            if not self.users.set_administrator(user.id, administrator=call.body.administrator):
                msg = f"{user.email} is the only administrator: make another user one first"
                raise Conflict(msg)
            action = "user.promote" if call.body.administrator else "user.demote"
            self.audit.record(actor=call.actor, action=action, target=user.email)
        return Answer(body=UserWithAge.of(self._user(user.email)))

    @operation(NoQuery, NoBody, RemovedUser, refusals=(409,))
    def remove_user(self, call: Call[NoQuery, NoBody]) -> Answer[RemovedUser]:
        """Remove a user with tokens, SSH keys and invitations; 409 while apps would be left without an owner."""
        user = self._user(call.path["email"])
        with self.changes.begin() as change:
            try:
                owned = self.users.remove(user.id)
            except Rejected as error:
                raise Conflict(str(error)) from error
            if owned:
                msg = f"{user.email} is the only owner of {', '.join(owned)}: add another owner or delete it first"
                raise Conflict(msg)
            change.announce(AccountChanged(actor=call.actor))
            self.audit.record(actor=call.actor, action="user.remove", target=user.email)
        return Answer(body=RemovedUser(removed=user.email))

    @operation(NoQuery, NoBody, InvitationPage)
    def list_invitations(self, call: Call[NoQuery, NoBody]) -> Answer[InvitationPage]:
        """List invitations that were not accepted yet, by email."""
        del call
        items = tuple(InvitationView.of(one) for one in self.invitations.all())
        return Answer(body=InvitationPage(items=items, next=None))

    @operation(NoQuery, NewInvitation, CreatedInvitation, statuses=(201,), refusals=(409,))
    def invite(self, call: Call[NoQuery, NewInvitation]) -> Answer[CreatedInvitation]:
        """Invite someone by email for seven days; a new invitation replaces an earlier one."""
        email, token = call.body.email, new_token()
        if self.users.by_email(email):
            msg = f"email: {email} is a user already"
            raise Conflict(msg)
        expires_at = self.clock.now().astimezone(UTC).replace(microsecond=0) + INVITATION
        invitation = Invitation(
            email=email, administrator=call.body.administrator, invited_by=call.actor, expires_at=expires_at
        )
        with self.changes.begin():
            self.invitations.add(invitation, digest=digest_of(token))
            self.audit.record(actor=call.actor, action="user.invite", target=email)
        return Answer(status=201, body=_created(invitation, token))

    @operation(NoQuery, NoBody, WithdrawnInvitation)
    def withdraw_invitation(self, call: Call[NoQuery, NoBody]) -> Answer[WithdrawnInvitation]:
        """Withdraw an invitation."""
        email = call.path["email"].strip().lower()
        with self.changes.begin():
            if not self.invitations.remove(email):
                msg = f"there is no invitation for {email!r}: see `paas users invitations`"
                raise NotFound(msg)
            self.audit.record(actor=call.actor, action="user.uninvite", target=email)
        return Answer(body=WithdrawnInvitation(withdrawn=email))

    def _user(self, email: str) -> User:
        return found_user(self.users, email)


def found_user(users: Users, email: str) -> User:
    """Return the user with this email. Raises NotFound."""
    user = users.by_email(email.strip().lower())
    if user is None:
        msg = f"there is no user {email!r}: an administrator can invite one (`paas users invite EMAIL`)"
        raise NotFound(msg)
    return user


def _created(invitation: Invitation, token: str) -> CreatedInvitation:
    return CreatedInvitation(
        email=invitation.email,
        administrator=invitation.administrator,
        invited_by=invitation.invited_by,
        expires_at=invitation.expires_at,
        token=token,
    )
