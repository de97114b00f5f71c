"""Custom domains of an app."""

import secrets
from dataclasses import dataclass, replace
from typing import Literal

from functions.common.errors import NotFound, Unavailable
from functions.common.events.app import DomainAdded, DomainRemoved
from functions.common.ports.accounts import Caller
from functions.common.ports.audit import AuditLog
from functions.common.ports.domains import DomainClaim, DomainClaims, Domains, TxtRecords, proves
from functions.common.ports.events import Changes
from functions.manage_apps.apps import Hosts
from functions.manage_apps.errors import Conflict
from functions.manage_apps.models import ChangeView, NoBody, NoQuery, PageView, View
from functions.manage_apps.operation import Answer, Call, operation

MAX_DOMAINS = 15  # an HTTPRoute takes 16 hosts, and one is the app's own


class ProofView(View):
    """The DNS record that proves that a host is yours, and why it does not yet."""

    type: Literal["TXT"] = "TXT"
    name: str
    value: str
    reason: str

    @classmethod
    def of_claim(cls, claim: DomainClaim) -> "ProofView":
        """Return the view of a claim."""
        return cls(name=claim.name, value=claim.value, reason=claim.reason)


State = Literal["added", "unproved"]


class HostView(View):
    """A host that leads to the app's production; not while it is `unproved`: then `proof` says what is missing."""

    host: str
    state: State = "added"
    proof: ProofView | None = None


class HostPage(PageView):
    """The app's own host, then its custom domains, then those that are not proved."""

    items: tuple[HostView, ...]


class DomainView(ChangeView):
    """A custom domain and the URL under which the app answers, once the domain is `added`.

    While it is `unproved`, `proof` is the DNS record to create. Repeat the request then, or wait: the platform looks
    again by itself.
    """

    host: str
    url: str
    state: State = "added"
    proof: ProofView | None = None


class RemovedDomain(ChangeView):
    """The host that was removed."""

    removed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainProofs:
    """Asks for a proof of each custom domain. Administrators, who run the platform, need none."""

    claims: DomainClaims
    records: TxtRecords
    required: bool

    def missing(self, caller: Caller, app: str, host: str) -> DomainClaim | None:
        """Return the claim that the DNS does not prove; None when the app may have the host.

        Raises Conflict when the app claims too many hosts.
        """
        if not self.required or caller.sees_all:
            return None
        known = self.claims.of_app(app)
        if len(known) >= MAX_DOMAINS and host not in {one.host for one in known}:
            msg = f"{app} has {MAX_DOMAINS} domains without a proof: prove or remove one first"
            raise Conflict(msg)
        claim = self.claims.open(app, host, value=f"slipway-verification={secrets.token_hex(16)}")
        try:
            reason = proves(self.records, claim)
        except Unavailable as error:
            reason = str(error)
        if not reason:
            return None
        self.claims.mark_checked(claim, reason=reason)
        return replace(claim, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainHandlers:
    """The handlers of custom domains."""

    domains: Domains
    proofs: DomainProofs
    changes: Changes
    audit: AuditLog
    hosts: Hosts

    @operation(NoQuery, NoBody, HostPage)
    def list_domains(self, call: Call[NoQuery, NoBody]) -> Answer[HostPage]:
        """List the hosts of an app, its own first."""
        app = call.app.app
        added = tuple(HostView(host=host) for host in (app.domain, *app.custom_domains))
        claims = self.proofs.claims.of_app(app.name)
        unproved = tuple(HostView(host=one.host, state="unproved", proof=ProofView.of_claim(one)) for one in claims)
        return Answer(body=HostPage(items=(*added, *unproved), next=None))

    @operation(NoQuery, NoBody, DomainView, statuses=(201, 200, 202), refusals=(409,))
    def add_domain(self, call: Call[NoQuery, NoBody]) -> Answer[DomainView]:
        """Add a custom domain; 200 when the app has it already, 409 when another app has it.

        202 when the DNS does not prove yet that it is the caller's.
        """
        app, host = call.app.app, self.hosts.checked_custom(call.path["host"])
        view = DomainView(host=host, url=self.hosts.url(host))
        if host in app.custom_domains:
            return Answer(body=view)
        if len(app.custom_domains) >= MAX_DOMAINS:
            msg = f"{app.name} has {MAX_DOMAINS} custom domains, the most that its route takes: remove one first"
            raise Conflict(msg)
        if claim := self.proofs.missing(call.caller, app.name, host):
            self.audit.record(actor=call.actor, action="domain.claim", target=app.name, detail=host)
            body = DomainView(host=host, url=view.url, state="unproved", proof=ProofView.of_claim(claim))
            return Answer(status=202, body=body)
        with self.changes.begin() as change:
            if self.domains.add(app.name, host) != app.name:
                msg = f"{host} belongs to another app: remove it there first"
                raise Conflict(msg)
            self.proofs.claims.close(app.name, host)
            change.announce(DomainAdded(app=app.name, environment="production", host=host), discriminator=host)
            self.audit.record(actor=call.actor, action="domain.add", target=app.name, detail=host)
        return Answer(status=201, body=view, queued=change.queued)

    @operation(NoQuery, NoBody, RemovedDomain, statuses=(200, 202))
    def remove_domain(self, call: Call[NoQuery, NoBody]) -> Answer[RemovedDomain]:
        """Remove a custom domain, proved or not."""
        app, host = call.app.app, call.path["host"].rstrip(".").lower()
        with self.changes.begin() as change:
            is_claim = self.proofs.claims.close(app.name, host)
            if not self.domains.remove(app.name, host):
                if is_claim:
                    return Answer(body=RemovedDomain(removed=host))
                msg = f"{app.name} has no domain {host!r}: see `paas domains list --app {app.name}`"
                raise NotFound(msg)
            change.announce(DomainRemoved(app=app.name, environment="production", host=host), discriminator=host)
            self.audit.record(actor=call.actor, action="domain.remove", target=app.name, detail=host)
        return Answer(body=RemovedDomain(removed=host), queued=change.queued)
