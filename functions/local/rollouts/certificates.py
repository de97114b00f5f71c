"""Noting which certificates Caddy serves, by asking for them as a browser would."""

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from functions.common.adapters.postgres import Postgres

_TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateNotes:
    """Writes the end of each certificate's validity into platform.certificates."""

    database: Postgres
    authority: Path
    port: int

    def note(self, *, again: bool = False) -> None:
        """Note the certificates that have no note yet; `again` looks at all, since Caddy renews them."""
        sql = "select host, not_after from platform.certificates where not_after = '' or :again"
        for host, before in self.database.run(sql, again=again):
            not_after, reason = self._look(host)
            if not_after != before and (not_after or reason):
                sql = "update platform.certificates set not_after = :after, reason = :reason where host = :host"
                self.database.run(sql, host=host, after=not_after, reason=reason)

    def _look(self, host: str) -> tuple[str, str]:
        try:
            context = ssl.create_default_context(cafile=str(self.authority))
            with (
                socket.create_connection(("127.0.0.1", self.port), timeout=_TIMEOUT_SECONDS) as plain,
                context.wrap_socket(plain, server_hostname=host) as secured,
            ):
                found = secured.getpeercert() or {}
        except OSError:
            return "", ""  # not issued yet; the next look tells
        seconds = ssl.cert_time_to_seconds(str(found.get("notAfter", "")))
        return datetime.fromtimestamp(seconds, UTC).isoformat(), ""
