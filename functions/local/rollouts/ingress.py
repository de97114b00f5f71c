"""Traffic: which host leads to which release, and how much of it."""

import logging
import shutil
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from functions.common.adapters.postgres.client import Postgres
from functions.local.rollouts.caddy import (
    DEFAULT_WEIGHTS,
    CaddyAdmin,
    HostFiles,
    Listening,
    Wanted,
    caddy_config,
    identity,
)
from functions.local.rollouts.store import Rollouts

# Where requests go: names of small files that Caddy looks up for each request.
#
# A new configuration makes Caddy close its idle connections and cut off requests that it has just begun to
# read. So all that changes while it runs stands in folders, and its configuration stays as it is.
#
# `routes`/APP/ENVIRONMENT holds files named NUMBER@SPLIT@A@B: A and B are the addresses of two upstreams,
# SPLIT says which of them gets how much: `a` or `b` for all, `b10` for a new version in slot b with ten
# percent. The lowest number counts; the one before it stays for requests that have just read its name.

WHOLE = 100
_FIRST, _DIGITS, _KEPT = 10**12 - 1, 12, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The files of all environments, below `routes`; one writer at a time for each environment."""

    routes: Path

    def folder(self, app: str, environment: str) -> Path:
        """Return the folder of an environment."""
        return self.routes / app / environment

    def place(self, app: str, environment: str, *, slot: str, upstream: str) -> None:
        """Say where a slot's version listens."""
        folder = self.folder(app, environment)
        _, split, a, b = _newest(folder)
        _write(folder, split, upstream if slot == "a" else a, upstream if slot == "b" else b)

    def split(self, app: str, environment: str, *, slot: str, weight: int = WHOLE) -> None:
        """Give the slot this share in percent, and the other slot the rest."""
        folder = self.folder(app, environment)
        _, _, a, b = _newest(folder)
        _write(folder, slot if weight >= WHOLE else f"{slot}{weight}", a, b)

    def remove(self, app: str, environment: str) -> None:
        """Forget the environment."""
        shutil.rmtree(self.folder(app, environment), ignore_errors=True)


def _newest(folder: Path) -> tuple[int, str, str, str]:
    names = sorted(path.name for path in folder.glob("*@*"))
    if not names:
        return _FIRST, "", "", ""
    number, split, a, b = names[0].split("@")
    return int(number), split, a, b


def _write(folder: Path, split: str, a: str, b: str) -> None:
    number, *known = _newest(folder)
    if known == [split, a, b]:
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{number - 1:0{_DIGITS}}@{split}@{a}@{b}").touch()
    for old in sorted(folder.glob("*@*"))[_KEPT:]:
        old.unlink()


# Noting which certificates Caddy serves, by asking for them as a browser would.

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


# Keeping Caddy's configuration what it should be; the only writer of it.

_LOG = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Ingress:
    """Writes hosts and certificates where Caddy looks them up.

    A configuration is loaded only when functions or the shares of new versions changed, or when Caddy lost it.
    """

    database: Postgres
    rollouts: Rollouts
    traffic: Traffic
    hosts: HostFiles
    admin: CaddyAdmin
    listening: Listening
    functions: Mapping[str, str]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _loaded: tuple[Wanted, str] | None = None

    def sync(self, *, certain: bool = False) -> None:
        """Let Caddy have what is wanted now; `certain` asks it whether it still has its configuration."""
        with self._lock:
            wanted = self._write()
            if self._loaded and self._loaded[0] == wanted:
                if not certain or self.admin.has(self._loaded[1]):
                    return
                _LOG.warning("Caddy lost its configuration")
            config = caddy_config(wanted, self.listening, self.functions)
            name = identity(config)
            if not self.admin.has(name):
                self.admin.load(config)
                _LOG.info("Caddy has configuration %s", name)
            self._loaded = (wanted, name)

    def _write(self) -> Wanted:
        workloads = self.rollouts.all_wanted()
        self.hosts.lead(
            {host: self.traffic.folder(one.app, one.environment) for one in workloads for host in one.hosts}
        )
        self.hosts.certify({row[0] for row in self.database.run("select host from platform.certificates")})
        steps = {step for one in workloads for step in one.steps if 0 < step < WHOLE}
        return Wanted(weights=tuple(sorted({*DEFAULT_WEIGHTS, *steps})))
