"""The pages of apps: the list, a new app, one app with its releases, config and domains, and its previews."""

from collections.abc import Mapping

from functions.dashboard.api import Json, Refused
from functions.dashboard.session import HOME
from functions.dashboard.visit import Page, Result, SeeOther, Visit

RELEASES, BUILDS = 10, 10
_NEVER_LIVE = {"failed", "superseded", "started"}


def app_path(visit: Visit) -> str:
    """Return the address of the app's page."""
    return f"{HOME}/apps/{visit.app}"


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
        body = {name: visit.field(name) for name in ("name", "git_url", "branch", "root") if visit.field(name)}
        app = visit.api.send("POST", "apps", body=body)
        return SeeOther(to=f"{HOME}/apps/{app['name']}", notice="app-created")

    # One app.

    def show(self, visit: Visit) -> Page:
        """Show an app: what is live, where traffic goes, its last releases and builds, config and domains."""
        me, app = visit.api.get("whoami"), visit.api.get("apps", visit.app)
        releases: list[Json] = visit.api.get("apps", visit.app, "releases", limit=RELEASES)["items"]
        scope = visit.query.get("scope", "production")
        context = {
            "app": app,
            "releases": [{**one, "can_run": one["state"] not in _NEVER_LIVE} for one in releases],
            "live": next((one for one in releases if one["state"] == "live"), None),
            "rolling": next((one for one in releases if one["state"] == "started"), None),
            "status": visit.api.get("apps", visit.app, "deploy", "status"),
            "builds": visit.api.get("apps", visit.app, "builds", limit=BUILDS)["items"],
            "usage": visit.api.get("apps", visit.app, "usage", months=2)["items"],
            "domains": visit.api.get("apps", visit.app, "domains")["items"],
            "scope": scope,
            "config": sorted(visit.api.get("apps", visit.app, "config", scope=scope)["config"]),
        }
        return Page(template="app.html", title=app["name"], me=me, context=context)

    def roll_back(self, visit: Visit) -> Result:
        """Release an earlier release again."""
        number = visit.number("to", otherwise="choose the release to go back to")
        visit.api.send("POST", "apps", visit.app, "rollback", body={"to": number})
        return SeeOther(to=f"{app_path(visit)}#releases", notice="rollback-requested")

    def deploy(self, visit: Visit) -> Result:
        """Deploy the newest commit of the default branch."""
        visit.api.send("POST", "apps", visit.app, "deploy")
        return SeeOther(to=app_path(visit), notice="deploy-requested")

    def restart(self, visit: Visit) -> Result:
        """Replace all processes by new ones of the same version."""
        visit.api.send("POST", "apps", visit.app, "restart")
        return SeeOther(to=f"{app_path(visit)}#processes", notice="restart-requested")

    def scale(self, visit: Visit) -> Result:
        """Run another number of processes of one type."""
        number = visit.number("replicas", otherwise="replicas: give a whole number of processes")
        visit.api.send("POST", "apps", visit.app, "scale", body={"processes": {visit.field("process"): number}})
        return SeeOther(to=f"{app_path(visit)}#processes", notice="scaled")

    def set_config(self, visit: Visit) -> Result:
        """Set one config variable; its value is shown nowhere afterwards."""
        changes = {visit.field("key"): visit.form.get("value", "")}
        return self._change_config(visit, changes)

    def unset_config(self, visit: Visit) -> Result:
        """Unset one config variable."""
        return self._change_config(visit, {visit.field("key"): None})

    def add_domain(self, visit: Visit) -> Result:
        """Add a custom domain."""
        if not visit.field("host"):
            msg = "host: give one like www.example.org"
            raise Refused(msg)
        added = visit.api.send("PUT", "apps", visit.app, "domains", visit.field("host"))
        notice = "domain-unproved" if added["proof"] else "domain-added"
        return SeeOther(to=f"{app_path(visit)}#domains", notice=notice)

    def remove_domain(self, visit: Visit) -> Result:
        """Remove a custom domain."""
        visit.api.send("DELETE", "apps", visit.app, "domains", visit.field("host"))
        return SeeOther(to=f"{app_path(visit)}#domains", notice="domain-removed")

    def show_previews(self, visit: Visit) -> Page:
        """Show the app's previews, open ones first."""
        me, app = visit.api.get("whoami"), visit.api.get("apps", visit.app)
        environments = visit.api.get("apps", visit.app, "environments")["items"]
        previews = [one for one in environments if one["name"] != "production"]
        return Page(template="previews.html", title=f"Previews of {app['name']}", me=me, context=_of(app, previews))

    def _change_config(self, visit: Visit, changes: Mapping[str, str | None]) -> Result:
        scope = visit.field("scope") or "production"
        visit.api.send("PATCH", "apps", visit.app, "config", body=changes, query=scope)
        where = "" if scope == "production" else "?scope=preview"
        return SeeOther(to=f"{app_path(visit)}{where}#config", notice="config-changed")


def _of(app: Json, previews: list[Json]) -> Json:
    return {
        "app": app,
        "open": [one for one in previews if one["state"] == "open"],
        "closed": [one for one in previews if one["state"] != "open"],
    }
