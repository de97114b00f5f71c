"""One instance of the platform: its folder, its ports, its secrets, and how to reach it."""

import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from functions.common.domain.tokens import new_config_key
from functions.common.errors import Rejected
from functions.local.files import write_private
from functions.local.ports import PortReservations

ACCOUNT = "slipway"
FUNCTIONS = "slipway_functions"
HOST_KEY = Path("ssh") / "host_ed25519"  # below the state folder; its public half has the suffix .pub
_FILE = "instance.json"
_HOST = "127.0.0.1"
_DEFAULT_PORTS = {
    "gateway": 8080,
    "apps": 8443,
    "git": 8081,
    "broker": 8082,
    "nats": 8083,
    "postgres": 8084,
    "nats_health": 8085,
    "ssh": 8086,
}
_FIRST_FUNCTION_PORT = 8090


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """Ports and secrets, chosen at the first start and kept in `home`.

    `mark` is in the environment of every process of the instance.
    """

    home: Path
    mark: str
    ports: Mapping[str, int]
    database_password: str = field(repr=False)
    nats_token: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    admin_token: str = field(repr=False)
    config_key: str = field(default="", repr=False)
    event_token: str = field(repr=False, default="")
    functions_password: str = field(default="", repr=False)  # an instance of an earlier version has none

    @property
    def runtime(self) -> Path:
        """A folder with a short name for unix sockets, whose paths may have about 100 characters."""
        return Path(tempfile.gettempdir()) / f"slipway-{os.getuid()}-{self.mark[:12]}"

    def url(self, program: str) -> str:
        """Return the base URL of a program that speaks HTTP."""
        return f"http://{_HOST}:{self.ports[program]}"

    @property
    def ssh_url(self) -> str:
        """The base URL of git over SSH."""
        return f"ssh://git@{_HOST}:{self.ports['ssh']}"

    @property
    def database_url(self) -> str:
        """The database, for its owner, who applies migrations and is a superuser."""
        return f"postgresql://{ACCOUNT}:{self.database_password}@{_HOST}:{self.ports['postgres']}/postgres"

    @property
    def functions_database_url(self) -> str:
        """The database, for all programs of the platform: they read and write rows, and nothing else."""
        return f"postgresql://{FUNCTIONS}:{self.functions_password}@{_HOST}:{self.ports['postgres']}/postgres"

    @property
    def nats_url(self) -> str:
        """NATS, with its token."""
        return f"nats://{self.nats_token}@{_HOST}:{self.ports['nats']}"

    def save(self) -> None:
        """Write instance.json."""
        fields = {name: getattr(self, name) for name in self.__slots__ if name != "home"}
        write_private(self.home / _FILE, json.dumps(fields, indent=2) + "\n")


def load(home: Path) -> Instance | None:
    """Return the instance of a state folder, or None before its first start. Raises Rejected when it is damaged."""
    try:
        return Instance(home=home, **json.loads((home / _FILE).read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        msg = f"{home / _FILE} is damaged ({error}): restore it, or delete {home} to begin with an empty platform"
        raise Rejected(msg) from error


def choose(home: Path, functions: tuple[str, ...], reservations: PortReservations, *, defaults: bool) -> Instance:
    """Return the instance with its ports reserved, and save it: the ports of the last start where they are free.

    Without `defaults` a first start takes any free ports, so that instances can run side by side.
    """
    known = load(home)
    wanted = dict(_DEFAULT_PORTS if defaults else dict.fromkeys(_DEFAULT_PORTS, 0))
    wanted |= {name: _FIRST_FUNCTION_PORT + n if defaults else 0 for n, name in enumerate(functions)}
    if known:
        wanted |= {name: port for name, port in known.ports.items() if name in wanted}
    instance = Instance(
        home=home,
        mark=known.mark if known else secrets.token_hex(16),
        ports={name: reservations.take(port) for name, port in wanted.items()},
        database_password=known.database_password if known else secrets.token_urlsafe(24),
        nats_token=known.nats_token if known else secrets.token_urlsafe(24),
        webhook_secret=known.webhook_secret if known else secrets.token_urlsafe(32),
        admin_token=known.admin_token if known else secrets.token_urlsafe(32),
        config_key=(known.config_key if known else "") or new_config_key(),
        event_token=(known.event_token if known else "") or secrets.token_urlsafe(32),
        functions_password=(known.functions_password if known else "") or secrets.token_urlsafe(24),
    )
    instance.save()
    return instance


# endpoints.json is there while the platform runs; `paas` finds it.

ENDPOINTS_FILE = "endpoints.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """URLs and secrets of a running platform; `token` is an administrator's."""

    gateway: str
    broker: str
    git: str
    ssh: str
    apps_port: int
    ca: str
    database: str
    token: str
    webhook_secret: str

    def save(self, home: Path) -> None:
        """Write endpoints.json, readable by its owner alone."""
        write_private(home / ENDPOINTS_FILE, json.dumps(asdict(self), indent=2) + "\n")


def endpoints_of(instance: Instance) -> Endpoints:
    """Return the endpoints of an instance."""
    return Endpoints(
        gateway=instance.url("gateway"),
        broker=instance.url("broker"),
        git=instance.url("git"),
        ssh=instance.ssh_url,
        apps_port=instance.ports["apps"],
        ca=str(instance.home / "caddy/pki/authorities/local/root.crt"),
        database=instance.database_url,
        token=instance.admin_token,
        webhook_secret=instance.webhook_secret,
    )
