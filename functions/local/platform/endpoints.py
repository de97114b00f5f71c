"""endpoints.json: where a running platform is, and how to get in."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from functions.local.instance import Instance
from functions.local.private_file import write_private

FILE = "endpoints.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """URLs, and secrets: `git` carries credentials, `token` is an administrator's."""

    gateway: str
    broker: str
    git: str
    apps_port: int
    ca: str
    database: str
    token: str
    webhook_secret: str

    def save(self, home: Path) -> None:
        """Write the file, readable by its owner alone."""
        write_private(home / FILE, json.dumps(asdict(self), indent=2) + "\n")


def endpoints_of(instance: Instance) -> Endpoints:
    """Return the endpoints of an instance."""
    return Endpoints(
        gateway=instance.url("gateway"),
        broker=instance.url("broker"),
        git=instance.git_url,
        apps_port=instance.ports["apps"],
        ca=str(instance.home / "caddy/pki/authorities/local/root.crt"),
        database=instance.database_url,
        token=instance.admin_token,
        webhook_secret=instance.webhook_secret,
    )
