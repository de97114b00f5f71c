"""Custom domains of an app."""

from dataclasses import dataclass

from functions.common.errors import NotFound
from functions.common.events.app import DomainAdded, DomainRemoved
from functions.common.ports.apps import Domains
from functions.common.ports.audit import AuditLog
from functions.common.ports.events import Changes
from functions.manage_apps.apps import Hosts
from functions.manage_apps.errors import Conflict
from functions.manage_apps.models import ChangeView, NoBody, NoQuery, PageView, View
from functions.manage_apps.operation import Answer, Call, operation

MAX_DOMAINS = 15  # an HTTPRoute takes 16 hosts, and one is the app's own


class HostView(View):
    """A host that leads to the app's production."""

    host: str


class HostPage(PageView):
    """The app's own host, then its custom domains."""

    items: tuple[HostView, ...]


class DomainView(ChangeView):
    """A custom domain and the URL under which the app answers."""

    host: str
    url: str


class RemovedDomain(ChangeView):
    """The host that was removed."""

    removed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainHandlers:
    """The handlers of custom domains."""

    domains: Domains
    changes: Changes
    audit: AuditLog
    hosts: Hosts

    @operation(NoQuery, NoBody, HostPage)
    def list_domains(self, call: Call[NoQuery, NoBody]) -> Answer[HostPage]:
        """List the hosts of an app, its own first."""
        app = call.app.app
        items = tuple(HostView(host=host) for host in (app.domain, *app.custom_domains))
        return Answer(body=HostPage(items=items, next=None))

    @operation(NoQuery, NoBody, DomainView, statuses=(201, 200, 202), refusals=(409,))
    def add_domain(self, call: Call[NoQuery, NoBody]) -> Answer[DomainView]:
        """Add a custom domain; 200 when the app has it already, 409 when another app has it."""
        app, host = call.app.app, self.hosts.checked_custom(call.path["host"])
        view = DomainView(host=host, url=self.hosts.url(host))
        if host in app.custom_domains:
            return Answer(body=view)
        if len(app.custom_domains) >= MAX_DOMAINS:
            msg = f"{app.name} has {MAX_DOMAINS} custom domains, the most that its route takes: remove one first"
            raise Conflict(msg)
        with self.changes.begin() as change:
            if self.domains.add(app.name, host) != app.name:
                msg = f"{host} belongs to another app: remove it there first"
                raise Conflict(msg)
            change.announce(DomainAdded(app=app.name, environment="production", host=host), discriminator=host)
            self.audit.record(actor=call.actor, action="domain.add", target=app.name, detail=host)
        return Answer(status=201, body=view, queued=change.queued)

    @operation(NoQuery, NoBody, RemovedDomain, statuses=(200, 202))
    def remove_domain(self, call: Call[NoQuery, NoBody]) -> Answer[RemovedDomain]:
        """Remove a custom domain."""
        app, host = call.app.app, call.path["host"].rstrip(".").lower()
        with self.changes.begin() as change:
            if not self.domains.remove(app.name, host):
                msg = f"{app.name} has no domain {host!r}: see `paas domains list --app {app.name}`"
                raise NotFound(msg)
            change.announce(DomainRemoved(app=app.name, environment="production", host=host), discriminator=host)
            self.audit.record(actor=call.actor, action="domain.remove", target=app.name, detail=host)
        return Answer(body=RemovedDomain(removed=host), queued=change.queued)
