"""Traffic: which host leads to which release, how much of it to a new one, and which certificates there are."""

import logging
import shutil
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.release import Workload
from functions.local.rollouts.caddy import (
    DEFAULT_WEIGHTS,
    FAN,
    MAINTENANCE_FILE,
    CaddyAdmin,
    CaddySettings,
    HostFiles,
    caddy_config,
    identity,
)
from functions.local.rollouts.store import RolloutStore

_LOG = logging.getLogger(__name__)
WHOLE = 100
# Of the names of an environment's traffic files: the number of the first, its digits, and how many files are kept.
_FIRST, _DIGITS, _KEPT = 10**12 - 1, 12, 2
_NONE = "," * (FAN - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Where requests go, in the names of files that Caddy looks up for each request.

    A new configuration makes Caddy close its idle connections and cut off requests that it has just begun to read. So
    everything that changes at run time is in folders, and the configuration remains the same.

    `routes`/APP/ENVIRONMENT holds files named NUMBER@SPLIT@A@B: A and B are the ports of two versions, SPLIT is `a` or
    `b` for all traffic to one of them, or `b10` for ten percent to a new version in slot b. Each has FAN ports: those
    of its web processes in turn. The lowest number counts; the file before it stays for requests that have just read
    its name. One writer at a time for each environment.
    """

    routes: Path

    @property
    def maintenance(self) -> Path:
        """The folder to which the hosts of environments in maintenance lead; no app has its name."""
        return self.routes / ".maintenance"

    def folder(self, app: str, environment: str) -> Path:
        """Return the folder of an environment."""
        return self.routes / app / environment

    def set_upstreams(self, app: str, environment: str, *, slot: str, upstreams: Sequence[str]) -> None:
        """Set the addresses of a slot, at most FAN."""
        folder = self.folder(app, environment)
        _, split, a, b = _newest(folder)
        ports = [address.rpartition(":")[2] for address in upstreams]
        spread = ",".join(ports[position % len(ports)] for position in range(FAN))
        _write(folder, split, spread if slot == "a" else a, spread if slot == "b" else b)

    def set_split(self, app: str, environment: str, *, slot: str, weight: int = WHOLE) -> None:
        """Give the slot this percentage of the traffic, and the other slot the rest."""
        folder = self.folder(app, environment)
        _, _, a, b = _newest(folder)
        _write(folder, slot if weight >= WHOLE else f"{slot}{weight}", a, b)

    def remove(self, app: str, environment: str) -> None:
        """Remove the environment."""
        shutil.rmtree(self.folder(app, environment), ignore_errors=True)


def _newest(folder: Path) -> tuple[int, str, str, str]:
    names = sorted(path.name for path in folder.glob("*@*"))
    if not names:
        return _FIRST, "", _NONE, _NONE
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


@dataclass(slots=True, kw_only=True)
class Ingress:
    """Keeps Caddy's configuration and host files as they should be; nothing else writes them.

    A configuration is loaded only when the functions' ports or the canary steps change, or when Caddy lost it.
    """

    database: Postgres
    store: RolloutStore
    traffic: Traffic
    hosts: HostFiles
    admin: CaddyAdmin
    caddy: CaddySettings
    functions: Mapping[str, str]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _loaded: tuple[tuple[int, ...], str] | None = None

    def sync(self, *, verify: bool = False) -> None:
        """Write the host files, and load the configuration when it differs; `verify` asks Caddy which one it has."""
        with self._lock:
            weights = self._write_hosts()
            if self._loaded and self._loaded[0] == weights:
                if not verify or self.admin.is_loaded(self._loaded[1]):
                    return
                _LOG.warning("Caddy has lost its configuration")
            config = caddy_config(weights, self.caddy, self.functions)
            name = identity(config)
            if not self.admin.is_loaded(name):
                self.admin.load(config)
                _LOG.info("Caddy has configuration %s", name)
            self._loaded = (weights, name)

    def _folder(self, workload: Workload) -> Path:
        if not workload.maintenance:
            return self.traffic.folder(workload.app, workload.environment)
        self.traffic.maintenance.mkdir(parents=True, exist_ok=True)
        (self.traffic.maintenance / MAINTENANCE_FILE).touch()
        return self.traffic.maintenance

    def _write_hosts(self) -> tuple[int, ...]:
        """Write the host files, and return the weights that canary steps need in the configuration."""
        workloads = self.store.all_wanted()
        folders = {host: self._folder(one) for one in workloads for host in one.hosts}
        self.hosts.set_hosts(folders)
        self.hosts.set_certified({row[0] for row in self.database.run("select host from platform.certificates")})
        steps = {step for one in workloads for step in one.steps if 0 < step < WHOLE}
        return tuple(sorted({*DEFAULT_WEIGHTS, *steps}))


_TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRecorder:
    """Records how long Caddy's certificates are valid, by requesting them as a browser does."""

    database: Postgres
    authority: Path
    port: int

    def record(self, *, refresh: bool = False) -> None:
        """Record the certificates that are not recorded yet; `refresh` looks at all, because Caddy renews them."""
        sql = "select host, not_after from platform.certificates where not_after = '' or :again"
        for host, recorded in self.database.run(sql, again=refresh):
            not_after = self._not_after(host)
            if not_after and not_after != recorded:
                sql = "update platform.certificates set not_after = :after, reason = '' where host = :host"
                self.database.run(sql, host=host, after=not_after)

    def _not_after(self, host: str) -> str:
        """Return the end of the validity of a host's certificate; empty when it is not issued yet."""
        try:
            context = ssl.create_default_context(cafile=str(self.authority))
            with (
                socket.create_connection(("127.0.0.1", self.port), timeout=_TIMEOUT_SECONDS) as plain,
                context.wrap_socket(plain, server_hostname=host) as secured,
            ):
                certificate = secured.getpeercert() or {}
        except OSError:
            return ""
        seconds = ssl.cert_time_to_seconds(str(certificate.get("notAfter", "")))
        return datetime.fromtimestamp(seconds, UTC).isoformat()
