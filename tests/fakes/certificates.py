"""A certificate issuer in memory."""

from functions.common.errors import Unavailable
from functions.common.ports.network import CertificateStatus


class FakeCertificates:
    """Certificates; read `asked` (host -> owner), call `issue`, set `down` to make it unavailable."""

    def __init__(self) -> None:
        self.asked: dict[str, str] = {}
        self.valid: dict[str, str] = {}
        self.down = False

    def ensure(self, host: str, *, owner: str) -> CertificateStatus:
        """Ask for a certificate; see Certificates."""
        self._answer()
        self.asked[host] = owner
        return self.status(host)

    def withdraw(self, host: str) -> None:
        """Forget the host's certificate; see Certificates."""
        self._answer()
        self.asked.pop(host, None)
        self.valid.pop(host, None)

    def status(self, host: str) -> CertificateStatus:
        """Return what is known; see Certificates."""
        self._answer()
        if host not in self.asked:
            return CertificateStatus(host=host, ready=False, reason="no certificate was asked for")
        return CertificateStatus(host=host, ready=host in self.valid, not_after=self.valid.get(host, ""))

    def issue(self, host: str, not_after: str) -> None:
        """Let the certificate be there."""
        self.valid[host] = not_after

    def _answer(self) -> None:
        if self.down:
            msg = "the certificate issuer is down"
            raise Unavailable(msg)
