"""NATS and Caddy, from their wheels."""

import json
import sys
from pathlib import Path

from functions.local.instance import Instance
from functions.local.platform import listen
from functions.local.platform.program import Program
from functions.local.private_file import write_private

MAX_EVENT_BYTES = 8 * 1024 * 1024
# A power cut may cost the broker the events of this long; a killed process costs none. Syncing each one
# (`always`) takes 1.8 ms instead of 1.0 for one publisher, and 480 events a second instead of 1,490 for
# sixteen, on two cores and an ext4 disk. The state itself is in PostgreSQL, which does sync, and reconcile
# sends again whatever did not come further.
_SYNC = "1s"


def binary(name: str) -> str:
    """Return the program that a wheel installed beside this Python."""
    return str(Path(sys.executable).parent / name)


def nats_program(instance: Instance) -> Program:
    """Write nats.conf and return how NATS runs: on loopback, with a token, JetStream in nats/."""
    folder = instance.home / "nats"
    config = {
        "server_name": "slipway",
        "listen": f"127.0.0.1:{instance.ports['nats']}",
        "max_payload": MAX_EVENT_BYTES,
        "authorization": {"token": instance.nats_token},
        "jetstream": {"store_dir": str(folder), "sync_interval": _SYNC},
    }
    write_private(folder / "nats.conf", json.dumps(config, indent=2))  # its own format takes JSON
    command = (binary("nats-server"), "--config", str(folder / "nats.conf"))
    return Program(name="nats", command=command, directory=folder, priority=2)


def caddy_program(instance: Instance) -> Program:
    """Write Caddy's first configuration, its admin socket and its own CA, and return how it runs.

    It is given its listening sockets: see caddy_command. The rollout controller loads the rest. Killed,
    Caddy goes on with what was loaded last; a new start of the platform begins with nothing, since ports
    may have changed.
    """
    folder = instance.home / "caddy"
    config = {
        "admin": {"listen": f"unix/{instance.runtime / 'caddy.sock'}"},
        "storage": {"module": "file_system", "root": str(folder)},
        "apps": {"pki": {"certificate_authorities": {"local": {"install_trust": False}}}},
    }
    write_private(folder / "initial.json", json.dumps(config, indent=2))
    (folder / "config/caddy/autosave.json").unlink(missing_ok=True)
    return Program(
        name="caddy",
        command=caddy_command(folder / "initial.json", apps=instance.ports["apps"], gateway=instance.ports["gateway"]),
        directory=folder,
        environment={
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_DATA_HOME": str(folder / "data"),
            "HOME": str(folder),
        },
        priority=3,
    )


def caddy_command(first: Path, *, apps: int, gateway: int) -> tuple[str, ...]:
    """Return the command of a Caddy that goes on from its last configuration, or `first`.

    The ports of apps and gateway are its descriptors 3 and 4.
    """
    sockets = (sys.executable, "-I", "-S", listen.__file__, str(apps), str(gateway), "--")
    return (*sockets, binary("caddy"), "run", "--resume", "--config", str(first))
