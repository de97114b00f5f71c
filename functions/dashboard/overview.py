"""The pages across apps: what needs a person, and who did what."""

from functions.dashboard.api import Json
from functions.dashboard.session import HOME
from functions.dashboard.visit import Page, Visit

# What a concern is called, and where it is mended.
_KINDS = {
    "push-failed": ("Push failed", "pushes"),
    "release-failed": ("Release failed", "apps"),
    "push-stuck": ("Push makes no progress", "pushes"),
    "dead-letter": ("Dead letter", "dead-letters"),
    "certificate-failed": ("No certificate", "apps"),
    "dns-refused": ("DNS record refused", "apps"),
    "weak-sandbox": ("Weak sandbox", "attention"),
}
FILTERS = ("actor", "action", "target", "since")


class OverviewPages:
    """The pages across apps."""

    def show_attention(self, visit: Visit) -> Page:
        """Show what needs a person."""
        concerns = [_concern(one) for one in visit.api.get("attention")["items"]]
        me = visit.api.get("whoami")
        return Page(template="attention.html", title="Attention", me=me, context={"concerns": concerns})

    def show_audit(self, visit: Visit) -> Page:
        """Show the audit log, for administrators."""
        return self._audit(visit, "audit", app=None)

    def show_app_audit(self, visit: Visit) -> Page:
        """Show what was done to an app, for its owners."""
        return self._audit(visit, "apps", visit.app, "audit", app=visit.api.get("apps", visit.app))

    def _audit(self, visit: Visit, *path: str, app: Json | None) -> Page:
        filters = {name: visit.query.get(name, "").strip() for name in FILTERS}
        found = visit.api.get(*path, after=visit.query.get("after", ""), **filters)
        context = {"entries": found["items"], "next": found["next"], "filters": filters, "app": app}
        title = f"Audit log of {app['name']}" if app else "Audit log"
        return Page(template="audit.html", title=title, me=visit.api.get("whoami"), context=context)


def _concern(found: Json) -> Json:
    name, place = _KINDS.get(found["kind"], (found["kind"], "apps"))
    subject = found["app"] if place == "apps" else found["subject"]
    address = f"{HOME}/{place}" if place == "attention" else f"{HOME}/{place}/{subject}"
    return {**found, "name": name, "address": address, "shown": found["sha"] or found["subject"]}
