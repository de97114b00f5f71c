"""Log in and out, accept an invitation; the visitor's own account."""

from datetime import datetime

from functions.dashboard.api import Json
from functions.dashboard.session import HOME, own_path
from functions.dashboard.visit import Page, Result, SeeOther, Visit


class AccountPages:
    """The pages of the visitor's own account."""

    def show_login(self, visit: Visit) -> Page:
        """Show the form of the login."""
        return Page(template="login.html", title="Log in", context={"next": own_path(_next(visit))})

    def log_in(self, visit: Visit) -> Result:
        """Log in, and go on to the page that was asked for."""
        body = {"email": visit.field("email"), "password": visit.form.get("password", ""), "client": "dashboard"}
        found = visit.api.send("POST", "auth", "login", body=body)
        return _logged_in(found, own_path(_next(visit)))

    def show_invitation(self, visit: Visit) -> Page:
        """Show the form that accepts an invitation."""
        del visit
        return Page(template="invitation.html", title="Accept an invitation")

    def accept_invitation(self, visit: Visit) -> Result:
        """Create the account of an invitation, and log in."""
        body = {"token": visit.field("token"), "password": visit.form.get("password", "")}
        return _logged_in(visit.api.send("POST", "auth", "invitation", body=body), HOME)

    def log_out(self, visit: Visit) -> Result:
        """End the session."""
        visit.api.send("POST", "auth", "logout")
        return SeeOther(to=f"{HOME}/login", notice="logged-out", logout=True)


def _next(visit: Visit) -> str:
    return visit.form.get("next", "") or visit.query.get("next", "")


def _logged_in(found: Json, to: str) -> SeeOther:
    data = found["data"]
    return SeeOther(to=to, login=data["access_token"], expires=datetime.fromisoformat(data["expires_at"]))
