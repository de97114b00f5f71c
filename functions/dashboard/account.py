"""Log in and out, accept an invitation; the visitor's own account: password, SSH keys, tokens."""

from datetime import datetime

from functions.dashboard.api import Json, Refused
from functions.dashboard.session import HOME, own_path
from functions.dashboard.visit import Page, Result, SeeOther, Visit

_ACCOUNT = f"{HOME}/account"
_FORGES = {"gitea": "Gitea", "forgejo": "Forgejo", "github": "GitHub", "gitlab": "GitLab"}


class AccountPages:
    """The pages of the visitor's own account."""

    # The session.

    def show_login(self, visit: Visit) -> Page:
        """Show the form of the login, and the way to the forge's."""
        forge = _FORGES.get(visit.api.get("auth", "forge")["forge"], "")
        return Page(template="login.html", title="Log in", context={"next": own_path(_next(visit)), "forge": forge})

    def log_in(self, visit: Visit) -> Result:
        """Log in, and go on to the page that was asked for."""
        body = {"email": visit.field("email"), "password": visit.form.get("password", ""), "client": "dashboard"}
        found = visit.api.send("POST", "auth", "login", body=body)
        return logged_in(found, own_path(_next(visit)))

    def show_invitation(self, visit: Visit) -> Page:
        """Show the form that accepts an invitation."""
        del visit
        return Page(template="invitation.html", title="Accept an invitation")

    def accept_invitation(self, visit: Visit) -> Result:
        """Create the account of an invitation, and log in."""
        body = {"token": visit.field("token"), "password": visit.form.get("password", "")}
        return logged_in(visit.api.send("POST", "auth", "invitation", body=body), HOME)

    def log_out(self, visit: Visit) -> Result:
        """End the session."""
        visit.api.send("POST", "auth", "logout")
        return SeeOther(to=f"{HOME}/login", notice="logged-out", logout=True)

    # The account.

    def show(self, visit: Visit) -> Page:
        """Show the visitor's password form, SSH keys and tokens."""
        context = {
            "keys": visit.api.get("auth", "ssh-keys")["items"],
            "tokens": visit.api.get("tokens")["items"],
            "apps": [app["name"] for app in visit.api.get("apps", limit=200)["items"]],
        }
        return Page(template="account.html", title="Account", me=visit.api.get("whoami"), context=context)

    def change_password(self, visit: Visit) -> Result:
        """Change the password; the other sessions end."""
        current, new, again = (visit.form.get(name, "") for name in ("current", "new", "again"))
        if new != again:
            msg = "the new password and its repetition differ: type both again"
            raise Refused(msg)
        visit.api.send("PUT", "auth", "password", body={"current": current, "new": new})
        return SeeOther(to=_ACCOUNT, notice="password-changed")

    def add_ssh_key(self, visit: Visit) -> Result:
        """Add an SSH key."""
        body = {"name": visit.field("key_name"), "public_key": visit.field("public_key")}
        visit.api.send("POST", "auth", "ssh-keys", body=body)
        return SeeOther(to=f"{_ACCOUNT}#ssh-keys", notice="key-added")

    def remove_ssh_key(self, visit: Visit) -> Result:
        """Remove an SSH key."""
        visit.api.send("DELETE", "auth", "ssh-keys", visit.field("key"))
        return SeeOther(to=f"{_ACCOUNT}#ssh-keys", notice="key-removed")

    def create_token(self, visit: Visit) -> Result:
        """Create a token, and show it this once."""
        days = visit.number("days", otherwise="days: give a whole number of days")
        body = {"name": visit.field("token_name"), "scope": visit.field("scope"), "app": visit.field("app")}
        created = visit.api.send("POST", "tokens", body={**body, "days": days})
        context = {
            "secret": created["token"],
            "about": f"The token {created['name']}, with the scope {created['scope']}",
            "expires_at": created["expires_at"],
            "hint": "Send it as Authorization: Bearer, or give it to paas in PAAS_TOKEN.",
            "back": f"{_ACCOUNT}#tokens",
        }
        return Page(template="once.html", title="New token", me=visit.api.get("whoami"), context=context)

    def revoke_token(self, visit: Visit) -> Result:
        """Revoke a token or another session."""
        visit.api.send("DELETE", "tokens", visit.field("token"))
        return SeeOther(to=f"{_ACCOUNT}#tokens", notice="token-revoked")


def _next(visit: Visit) -> str:
    return visit.form.get("next", "") or visit.query.get("next", "")


def logged_in(found: Json, to: str) -> SeeOther:
    """Return the way to a page with the session that the API has begun."""
    data = found["data"]
    return SeeOther(to=to, login=data["access_token"], expires=datetime.fromisoformat(data["expires_at"]))
