"""Makes one DNS record what it should be."""

from dataclasses import dataclass

from functions.common.errors import Rejected
from functions.common.events.base import Event
from functions.common.events.network import DnsReady, DnsRefused
from functions.common.ports.dns_zone import DnsAction, DnsZone
from functions.common.ports.host_directory import HostDirectory
from functions.common.ports.network_ledger import RecordLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Decides by what is wanted now, not by which event came: events may be late or out of order."""

    zone: DnsZone
    hosts: HostDirectory
    ledger: RecordLedger

    def settle(self, host: str, cause: Event) -> DnsReady | DnsRefused:
        """Create, update or delete the host's record, or say why it is not ours to change."""
        owner = self.hosts.owner(host)
        where = {"app": owner or cause.app, "environment": cause.environment, "push": cause.push}
        try:
            action = self._ensure(host, owner) if owner else self._withdraw(host, cause.app)
        except Rejected as refusal:
            if owner:
                self.ledger.note(host, app=owner, state="refused", reason=str(refusal))
            return DnsRefused(**where, host=host, reason=str(refusal))
        return DnsReady(**where, host=host, action=action.value)

    def _ensure(self, host: str, owner: str) -> DnsAction:
        action = self.zone.ensure(host, owner=owner)
        self.ledger.note(host, app=owner, state="ready")
        return action

    def _withdraw(self, host: str, app: str) -> DnsAction:
        action = self.zone.withdraw(host, owner=app)
        self.ledger.note(host, app=app, state="deleted")
        return action
