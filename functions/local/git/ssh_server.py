"""Git over SSH, by the SSH keys of users: `python -m functions.local.git.ssh_server`."""

import asyncio
import logging
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncssh

from functions.common.errors import Rejected, SlipwayError, Unavailable
from functions.common.runtime.logs import log_plain_lines
from functions.common.settings import from_environment
from functions.local.files import write_private
from functions.local.git.access import GitAccess
from functions.local.git.composition import git_access
from functions.local.git.ssh_session import Client, SessionRunner, refuse
from functions.local.instance import HOST_KEY

_OPTIONS: dict[str, Any] = {
    "server_version": "Slipway",
    "allow_pty": False,
    "line_editor": False,
    "agent_forwarding": False,
    "x11_forwarding": False,
    "allow_scp": False,
    "gss_host": None,
    "password_auth": False,
    "kbdint_auth": False,
    "keepalive_interval": 30,
}
_log = logging.getLogger("slipway")


def host_key(home: Path) -> asyncssh.SSHKey:
    """Return the host key of a state folder; the first call makes it. Raises Rejected when it is damaged."""
    file = home / HOST_KEY
    try:
        if not file.exists():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            key = asyncssh.generate_private_key("ssh-ed25519", comment="slipway")
            key.write_public_key(file.with_suffix(".pub"))
            write_private(file, key.export_private_key().decode())
        file.chmod(0o600)
        return asyncssh.read_private_key(file)
    except (asyncssh.KeyImportError, ValueError) as error:
        msg = f"{file} is damaged: restore it, or delete it; clients then refuse the new key until they remove the old"
        raise Rejected(msg) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many clients may be connected and how many may fetch or push at once, and how long each may say nothing."""

    connections: int = 128
    sessions: int = 32
    login_seconds: float = 20.0
    idle_seconds: float = 600.0


@dataclass(slots=True, kw_only=True)
class _Counts:
    """What runs now."""

    connections: int = 0
    sessions: int = 0


@dataclass(slots=True, kw_only=True, eq=False)
class _Connection(asyncssh.SSHServer):
    """One client: authenticated by public key alone. asyncssh refuses forwarding unless a method here allows it."""

    access: GitAccess
    counts: _Counts
    limit: int
    proven: str = ""
    _offered: str = ""
    _connection: asyncssh.SSHServerConnection | None = field(default=None, repr=False)

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Count the connection, and end it when there are too many."""
        self.counts.connections += 1
        self._connection = conn
        conn.set_extra_info(slipway=self)
        if self.counts.connections > self.limit:
            _log.warning("more than %d SSH connections: one is refused", self.limit)
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it out."""
        del exc
        self.counts.connections -= 1

    def public_key_auth_supported(self) -> bool:
        """Return True."""
        return True

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Return whether the key is a user's; asyncssh then checks that the client holds it."""
        del username  # the key says who it is
        fingerprint = key.get_fingerprint()
        try:
            known = await asyncio.to_thread(self.access.of_key, fingerprint)
        except Unavailable as error:
            _log.warning("an SSH key cannot be checked: %s", error)
            return False
        self._offered = fingerprint if known else ""
        return known is not None

    def auth_completed(self) -> None:
        """Keep the key whose signature was checked: the one that was validated last."""
        self.proven = self._offered


async def serve(
    access: GitAccess, *, port: int, key: asyncssh.SSHKey, path: str, limits: Limits
) -> asyncssh.SSHAcceptor:
    """Listen on a port of this machine."""
    counts, runner = _Counts(), SessionRunner(access=access, path=path, idle_seconds=limits.idle_seconds)

    async def answer(client: Client) -> None:
        counts.sessions += 1
        try:
            if counts.sessions > limits.sessions:
                refuse(client, "too many fetches and pushes run now: try again in a minute")
                return
            await runner.run(client, client.get_extra_info("slipway").proven)
        except Exception:  # noqa: BLE001 - asyncssh would end the connection without a word in the log
            _log.exception("a session of git over SSH failed")
            client.exit(1)
        finally:
            counts.sessions -= 1

    return await asyncssh.listen(
        "127.0.0.1",
        port,
        server_factory=lambda: _Connection(access=access, counts=counts, limit=limits.connections),
        server_host_keys=[key],
        process_factory=answer,
        encoding=None,
        login_timeout=limits.login_seconds,
        **_OPTIONS,
    )


async def _main() -> None:
    settings = from_environment()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    acceptor = await serve(
        git_access(settings),
        port=urlsplit(settings.local.ssh_url).port or 0,
        key=host_key(settings.local.home),
        path=settings.environment.get("PATH", ""),
        limits=Limits(),
    )
    await stopped.wait()
    acceptor.close()


if __name__ == "__main__":
    log_plain_lines()
    logging.getLogger("asyncssh").setLevel(logging.WARNING)
    try:
        asyncio.run(_main())
    except (SlipwayError, OSError) as error:
        sys.exit(f"git over SSH cannot start: {error}")
