"""Adds custom domains when the DNS proves them."""

from dataclasses import dataclass

from functions.common.events.app import DomainAdded
from functions.common.ports.domains import DomainClaim, DomainClaims, Domains, TxtRecords, proves
from functions.common.ports.events import Changes
from functions.reconcile.handler import for_each

LIMIT = 10  # for each tick: a name whose servers do not answer takes seconds
PRODUCTION = "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenDomains:
    """Looks again for the records of claims."""

    claims: DomainClaims
    domains: Domains
    records: TxtRecords
    changes: Changes

    def __call__(self) -> None:
        """Check some claims, and forget those that are too old."""
        self.claims.expire()
        for_each(self.claims.due(limit=LIMIT), self._check, what="domains")

    def _check(self, claim: DomainClaim) -> None:
        self.claims.mark_checked(claim, reason=claim.reason)  # one that cannot be checked does not hold up the others
        if reason := proves(self.records, claim):
            self.claims.mark_checked(claim, reason=reason)
            return
        with self.changes.begin() as change:
            if self.domains.add(claim.app, claim.host) != claim.app:
                self.claims.mark_checked(claim, reason="another app has the domain: remove it there first")
                return
            self.claims.close(claim.app, claim.host)
            added = DomainAdded(app=claim.app, environment=PRODUCTION, host=claim.host)
            change.announce(added, discriminator=claim.host)
