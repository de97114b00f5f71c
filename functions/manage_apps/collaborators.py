"""Collaborators of an app: who owns it, deploys it, or reads it."""

from dataclasses import dataclass

from functions.common.events.app import AccountChanged
from functions.common.ports.accounts import AppRole, Members, Users
from functions.common.ports.audit import AuditLog
from functions.common.ports.events import Changes
from functions.manage_apps.errors import Conflict
from functions.manage_apps.models import Body, Moment, NoBody, NoQuery, PageView, View
from functions.manage_apps.operation import Answer, Call, operation
from functions.manage_apps.users import found_user


class CollaboratorRole(Body):
    """A viewer reads; a deployer also changes and deploys; an owner also deletes the app and chooses collaborators."""

    role: AppRole


class CollaboratorView(View):
    """A user of the app."""

    email: str
    role: AppRole
    added_at: Moment


class CollaboratorPage(PageView):
    """Owners first, then by email."""

    items: tuple[CollaboratorView, ...]


class ChangedCollaborator(View):
    """The role that the user has now."""

    app: str
    email: str
    role: AppRole


class RemovedCollaborator(View):
    """The email of the user that was removed from the app."""

    removed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CollaboratorHandlers:
    """The handlers of collaborators."""

    members: Members
    users: Users
    changes: Changes
    audit: AuditLog

    @operation(NoQuery, NoBody, CollaboratorPage)
    def list_collaborators(self, call: Call[NoQuery, NoBody]) -> Answer[CollaboratorPage]:
        """List who may do what with the app, owners first."""
        items = tuple(CollaboratorView.of(one) for one in self.members.all(call.app.app.name))
        return Answer(body=CollaboratorPage(items=items, next=None))

    @operation(NoQuery, CollaboratorRole, ChangedCollaborator, refusals=(409,))
    def put_collaborator(self, call: Call[NoQuery, CollaboratorRole]) -> Answer[ChangedCollaborator]:
        """Add a collaborator or change the role; 409 when the app would be left without an owner."""
        app, user, role = call.app.app.name, found_user(self.users, call.path["email"]), call.body.role
        with self.changes.begin() as change:
            if not self.members.put(app, user.id, role):
                raise _no_owner(user.email, app)
            change.announce(AccountChanged(app=app, actor=call.actor))
            detail = f"{user.email} {role}"
            self.audit.record(actor=call.actor, action="collaborator.put", target=app, detail=detail)
        return Answer(body=ChangedCollaborator(app=app, email=user.email, role=role))

    @operation(NoQuery, NoBody, RemovedCollaborator, refusals=(409,))
    def remove_collaborator(self, call: Call[NoQuery, NoBody]) -> Answer[RemovedCollaborator]:
        """Remove a collaborator; 409 when the app would be left without an owner."""
        app, user = call.app.app.name, found_user(self.users, call.path["email"])
        with self.changes.begin() as change:
            if not self.members.remove(app, user.id):
                raise _no_owner(user.email, app)
            change.announce(AccountChanged(app=app, actor=call.actor))
            self.audit.record(actor=call.actor, action="collaborator.remove", target=app, detail=user.email)
        return Answer(body=RemovedCollaborator(removed=user.email))


def _no_owner(email: str, app: str) -> Conflict:
    return Conflict(f"{email} is the only owner of {app}: make another user an owner first")
