"""One instance of the platform: its folder, its ports, its secrets."""

import fcntl
import json
import os
import random
import secrets
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from functions.common.errors import Rejected

# Ports of this machine: the wanted one when it is free, else any free one, held until this process ends.

# Below the range from which systems take the ports of outgoing connections.
_FREE = range(20_000, 32_000)
_ATTEMPTS = 500


class PortReservations:
    """Ports that no other Slipway of this user takes, even before anything listens on them."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.gettempdir()) / f"slipway-ports-{os.getuid()}"
        self._held: list[IO[str]] = []

    def take(self, wanted: int) -> int:
        """Return the wanted port, or a free one when it is taken (or 0). Raises OSError when none is free."""
        if wanted and self._reserve(wanted):
            return wanted
        for _ in range(_ATTEMPTS):
            port = random.choice(_FREE)  # noqa: S311 - no secret
            if self._reserve(port):
                return port
        msg = "no free port was found"
        raise OSError(msg)

    def release(self) -> None:
        """Give all ports back."""
        for file in self._held:
            with suppress(OSError):
                Path(file.name).unlink()
            file.close()
        self._held.clear()

    def _reserve(self, port: int) -> bool:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        file = (self._folder / str(port)).open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        if not _is_free(port):
            file.close()
            return False
        self._held.append(file)
        return True


@contextmanager
def reserving() -> Iterator[PortReservations]:
    """Hold what is taken inside."""
    reservations = PortReservations()
    try:
        yield reservations
    finally:
        reservations.release()


def _is_free(port: int) -> bool:
    return _can_bind(socket.AF_INET, "", port) and (not _has_ipv6() or _can_bind(socket.AF_INET6, "::", port))


def _can_bind(family: socket.AddressFamily, address: str, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((address, port))
    except OSError:
        return False
    return True


def _has_ipv6() -> bool:
    return _can_bind(socket.AF_INET6, "::1", 0)


# Files that only their owner may read.


def write_private(path: Path, text: str) -> None:
    """Write a file with mode 0600, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


# One instance of the platform: its folder, ports and secrets, chosen at the first start and kept.

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
