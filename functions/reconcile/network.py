"""Requests DNS records and certificates that hosts lack, and withdraws those of hosts that no app has."""

from dataclasses import dataclass
from datetime import timedelta

from functions.common.events.app import AppCreated, DomainAdded, DomainRemoved, PreviewOpened
from functions.common.events.base import Event
from functions.common.events.network import CertificateChanged
from functions.common.ports.events import EventSink
from functions.common.ports.network import Certificates, HostCheck, IncompleteHost, UnwantedHost
from functions.reconcile.handler import for_each

HOSTS = 50  # a tick
GRACE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Step: hosts that lack a record or a certificate, or have one without an app."""

    watch: HostCheck
    certificates: Certificates
    sink: EventSink

    def __call__(self) -> None:
        """Check the hosts that lack something, then those that no app has."""
        for_each(self.watch.incomplete(longer_than=GRACE, limit=HOSTS), self._request, what="network")
        for_each(self.watch.unwanted(longer_than=GRACE, limit=HOSTS), self._withdraw, what="network")

    def _request(self, host: IncompleteHost) -> None:
        seen = None if host.has_certificate else self.certificates.status(host.host)
        if seen and seen.ready:
            where = {"app": host.app, "environment": host.environment, "host": host.host}
            report = CertificateChanged(**where, ready=True, not_after=seen.not_after)
            self.sink.publish(report, discriminator=host.host)
            if host.has_record:
                return
        if host.announced:
            self.sink.resend(host.announced)
        else:
            self.sink.publish(_announcement(host), discriminator=host.host)
        self.watch.mark_reminded(host.host)

    def _withdraw(self, host: UnwantedHost) -> None:
        self.sink.publish(DomainRemoved(app=host.app, host=host.host), discriminator=host.host)


def _announcement(host: IncompleteHost) -> Event:
    where = {"app": host.app, "environment": host.environment, "host": host.host}
    if host.kind == "preview":
        return PreviewOpened(**where, branch=host.branch)
    return AppCreated(**where) if host.kind == "app" else DomainAdded(**where)
