"""Keeping Caddy's configuration what it should be; the only writer of it."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from functions.common.adapters.postgres import Postgres
from functions.local.rollouts.admin import CaddyAdmin
from functions.local.rollouts.app_routes import DEFAULT_WEIGHTS
from functions.local.rollouts.caddy_config import Listening, Wanted, caddy_config, identity
from functions.local.rollouts.hosts import HostFiles
from functions.local.rollouts.store import Rollouts
from functions.local.rollouts.traffic import WHOLE, Traffic

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
