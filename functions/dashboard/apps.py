"""The pages of apps: the list, a new app, one app with its releases."""

from functions.dashboard.api import Json
from functions.dashboard.session import HOME
from functions.dashboard.visit import Page, Result, SeeOther, Visit

RELEASES = 10


class AppPages:
    """The pages of apps."""

    def home(self, visit: Visit) -> Result:
        """Lead to the apps."""
        del visit
        return SeeOther(to=f"{HOME}/apps")

    def list_apps(self, visit: Visit) -> Page:
        """Show the apps that the visitor may see."""
        me = visit.api.get("whoami")
        found = visit.api.get("apps", after=visit.query.get("after", ""))
        return Page(template="apps.html", title="Apps", me=me, context={"apps": found["items"], "next": found["next"]})

    def show_new(self, visit: Visit) -> Page:
        """Show the form of a new app."""
        return Page(template="app_new.html", title="New app", me=visit.api.get("whoami"))

    def create(self, visit: Visit) -> Result:
        """Create an app, and show it."""
        body = {name: visit.field(name) for name in ("name", "git_url", "branch") if visit.field(name)}
        app = visit.api.send("POST", "apps", body=body)
        return SeeOther(to=f"{HOME}/apps/{app['name']}", notice="app-created")

    def show(self, visit: Visit) -> Page:
        """Show an app: what is live, where traffic goes, and its last releases."""
        me, app = visit.api.get("whoami"), visit.api.get("apps", visit.app)
        releases = self._releases(visit)
        context = {
            "app": app,
            "releases": releases,
            "live": next((one for one in releases if one["state"] == "live"), None),
            "rolling": next((one for one in releases if one["state"] == "started"), None),
        }
        return Page(template="app.html", title=app["name"], me=me, context=context)

    def _releases(self, visit: Visit) -> list[Json]:
        items: list[Json] = visit.api.get("apps", visit.app, "releases", limit=RELEASES)["items"]
        return items
