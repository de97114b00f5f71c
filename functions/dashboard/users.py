"""The page of users and invitations, for administrators."""

from functions.dashboard.session import HOME
from functions.dashboard.visit import Page, Result, SeeOther, Visit

_USERS = f"{HOME}/users"


class UserPages:
    """The page of users."""

    def show(self, visit: Visit) -> Page:
        """Show the users and the open invitations."""
        found = visit.api.get("users", after=visit.query.get("after", ""))
        context = {
            "users": found["items"],
            "next": found["next"],
            "invitations": visit.api.get("invitations")["items"],
        }
        return Page(template="users.html", title="Users", me=visit.api.get("whoami"), context=context)

    def invite(self, visit: Visit) -> Result:
        """Invite a user, and show the invitation's token this once."""
        body = {"email": visit.field("email"), "administrator": visit.field("administrator") == "yes"}
        created = visit.api.send("POST", "invitations", body=body)
        context = {
            "secret": created["token"],
            "about": f"The invitation of {created['email']}",
            "expires_at": created["expires_at"],
            "hint": f"Give it to the invited person, who accepts it at {HOME}/invitation.",
            "back": _USERS,
        }
        return Page(template="once.html", title="Invitation", me=visit.api.get("whoami"), context=context)

    def withdraw(self, visit: Visit) -> Result:
        """Withdraw an invitation."""
        visit.api.send("DELETE", "invitations", visit.field("email"))
        return SeeOther(to=_USERS, notice="invitation-withdrawn")

    def change(self, visit: Visit) -> Result:
        """Make a user an administrator, or not."""
        body = {"administrator": visit.field("administrator") == "yes"}
        visit.api.send("PATCH", "users", visit.field("email"), body=body)
        return SeeOther(to=_USERS, notice="user-changed")

    def remove(self, visit: Visit) -> Result:
        """Remove a user."""
        visit.api.send("DELETE", "users", visit.field("email"))
        return SeeOther(to=_USERS, notice="user-removed")
