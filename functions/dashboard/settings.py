"""The settings of an app: git source, collaborators, deletion."""

from functions.dashboard.api import Refused
from functions.dashboard.apps import app_path
from functions.dashboard.session import HOME
from functions.dashboard.visit import Page, Result, SeeOther, Visit


class SettingsPages:
    """The page of an app's settings."""

    def show(self, visit: Visit) -> Page:
        """Show an app's git source and collaborators, and the form that deletes it."""
        me, app = visit.api.get("whoami"), visit.api.get("apps", visit.app)
        context = {
            "app": app,
            "collaborators": visit.api.get("apps", visit.app, "collaborators")["items"],
            "limits": visit.api.get("apps", visit.app, "limits"),
        }
        return Page(template="settings.html", title=f"Settings of {app['name']}", me=me, context=context)

    def set_git_source(self, visit: Visit) -> Result:
        """Set the repository, the default branch or the app's folder."""
        body = {"url": visit.field("url"), "branch": visit.field("branch"), "root": visit.field("root") or "."}
        visit.api.send("PUT", "apps", visit.app, "git", body=body)
        return SeeOther(to=f"{app_path(visit)}/settings#git-source", notice="git-changed")

    def put_collaborator(self, visit: Visit) -> Result:
        """Add a collaborator, or change the role."""
        if not visit.field("email"):
            msg = "email: give the one of a user"
            raise Refused(msg)
        body = {"role": visit.field("role")}
        visit.api.send("PUT", "apps", visit.app, "collaborators", visit.field("email"), body=body)
        return SeeOther(to=f"{app_path(visit)}/settings#collaborators", notice="collaborator-changed")

    def remove_collaborator(self, visit: Visit) -> Result:
        """Remove a collaborator; the visitor may be this one, and then sees the app no longer."""
        visit.api.send("DELETE", "apps", visit.app, "collaborators", visit.field("email"))
        user = visit.api.get("whoami")["user"]
        is_gone = user and user["email"] == visit.field("email") and not user["administrator"]
        page = f"{HOME}/apps" if is_gone else f"{app_path(visit)}/settings#collaborators"
        return SeeOther(to=page, notice="collaborator-removed")

    def change_limits(self, visit: Visit) -> Result:
        """Change port, CPU and memory of the app's processes; an empty field returns to the platform's default."""
        why = "port: give a whole number, or nothing for the platform's default"
        port = visit.number("port", otherwise=why) if visit.field("port") else 0
        body = {"cpu": visit.field("cpu"), "memory": visit.field("memory"), "port": port}
        visit.api.send("PATCH", "apps", visit.app, "limits", body=body)
        return SeeOther(to=f"{app_path(visit)}/settings#limits", notice="limits-changed")

    def undeploy(self, visit: Visit) -> Result:
        """Remove what runs, and keep the app."""
        visit.api.send("DELETE", "apps", visit.app, "deploy")
        return SeeOther(to=app_path(visit), notice="undeploy-requested")

    def delete(self, visit: Visit) -> Result:
        """Delete the app when its name was typed."""
        name = visit.api.get("apps", visit.app)["name"]
        if visit.field("confirm") != name:
            msg = f"type {name} to delete the app"
            raise Refused(msg)
        visit.api.send("DELETE", "apps", name)
        return SeeOther(to=f"{HOME}/apps", notice="app-deleted")
