"""One instance of the platform: its folder, ports and secrets, chosen at the first start and kept."""

import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from functions.common.errors import Rejected
from functions.local.ports import PortReservations
from functions.local.private_file import write_private

FILE = "instance.json"
_DEFAULTS = {"gateway": 8080, "apps": 8443, "git": 8081, "broker": 8082, "nats": 8083, "postgres": 8084}
_FIRST_FUNCTION = 8090
ACCOUNT = "slipway"
_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """Where everything is. `mark` is in the environment of every process of the instance."""

    home: Path
    mark: str
    ports: Mapping[str, int]
    database_password: str = field(repr=False)
    nats_token: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    admin_token: str = field(repr=False)

    @property
    def runtime(self) -> Path:
        """A short folder for unix sockets, whose paths may have about 100 characters."""
        return Path(tempfile.gettempdir()) / f"slipway-{os.getuid()}-{self.mark[:12]}"

    def url(self, program: str) -> str:
        """Return the base URL of a program that speaks HTTP."""
        return f"http://{_HOST}:{self.ports[program]}"

    @property
    def git_url(self) -> str:
        """The git server with credentials, to push to."""
        return f"http://slipway:{self.admin_token}@{_HOST}:{self.ports['git']}"

    @property
    def database_url(self) -> str:
        """The DSN of the database."""
        return f"postgresql://{ACCOUNT}:{self.database_password}@{_HOST}:{self.ports['postgres']}/postgres"

    @property
    def nats_url(self) -> str:
        """The broker's store, with its token."""
        return f"nats://{self.nats_token}@{_HOST}:{self.ports['nats']}"

    def save(self) -> None:
        """Write instance.json."""
        fields = {name: getattr(self, name) for name in self.__slots__ if name != "home"}
        write_private(self.home / FILE, json.dumps(fields, indent=2) + "\n")


def load(home: Path) -> Instance | None:
    """Return the instance of a state folder, or None before its first start. Raises Rejected when it is damaged."""
    try:
        return Instance(home=home, **json.loads((home / FILE).read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        msg = f"{home / FILE} is damaged ({error}): restore it, or delete {home} to start anew"
        raise Rejected(msg) from error


def choose(
    home: Path, functions: tuple[str, ...], reservations: PortReservations, *, defaults: bool, webhook_secret: str = ""
) -> Instance:
    """Return the instance with its ports reserved and save it: those of the last start where they are free.

    Without `defaults` a first start takes any free ports, so that instances can run side by side. A webhook
    secret that is given becomes the instance's own.
    """
    known = load(home)
    wanted = dict(_DEFAULTS if defaults else dict.fromkeys(_DEFAULTS, 0))
    wanted |= {name: _FIRST_FUNCTION + n if defaults else 0 for n, name in enumerate(functions)}
    if known:
        wanted |= {name: port for name, port in known.ports.items() if name in wanted}
    instance = Instance(
        home=home,
        mark=known.mark if known else secrets.token_hex(16),
        ports={name: reservations.take(port) for name, port in wanted.items()},
        database_password=known.database_password if known else secrets.token_urlsafe(24),
        nats_token=known.nats_token if known else secrets.token_urlsafe(24),
        webhook_secret=webhook_secret or (known.webhook_secret if known else secrets.token_urlsafe(32)),
        admin_token=known.admin_token if known else secrets.token_urlsafe(32),
    )
    instance.save()
    return instance
