"""What verify-webhook is compared with: servers that check a webhook's signature and do nothing with it."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from functions.local.manifests import read_routing
from functions.local.platform.health import wait_until_ready
from functions.local.platform.programs import CODE, binary
from tests.bench.processes import free_port, listens
from tests.bench.stage import HMAC, folder, settings

PATH = "/v1/webhooks/forgejo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server to send webhooks to, and the status of one that it takes."""

    name: str
    port: int
    path: str
    status: str


@contextmanager
def framework_hmac(secret: str) -> Iterator[Target]:
    """Run the HMAC alone as the Functions Framework itself serves it, with as many threads as verify-webhook has."""
    threads = next(one for one in read_routing(CODE).services if one.name == "verify-webhook").environment["THREADS"]
    port = free_port()
    with folder() as place:
        (place / "hmac_alone.py").write_text(HMAC)
        given = {"FUNCTION_SOURCE": str(place / "hmac_alone.py"), "FUNCTION_TARGET": "target", "THREADS": threads}
        given |= {"HOST": "127.0.0.1", "PORT": str(port), "PAAS_WEBHOOK_SECRET": secret, "XDG_RUNTIME_DIR": str(place)}
        with _served((binary("functions-framework"),), given, port, place):
            yield Target(name="HMAC alone", port=port, path=PATH, status="202")


@contextmanager
def debian_webhook(secret: str) -> Iterator[Target]:
    """Run it with the same check and a command that does nothing."""
    rule = {"match": {"type": "payload-hmac-sha256", "secret": secret}}
    rule["match"]["parameter"] = {"source": "header", "name": "X-Forgejo-Signature"}  # type: ignore[assignment] # JSON
    hook = {"id": "push", "execute-command": "/bin/true", "trigger-rule": rule}
    port = free_port()
    with folder() as place:
        (place / "hooks.json").write_text(json.dumps([hook]))
        command = (str(shutil.which("webhook")), "-hooks", str(place / "hooks.json"), "-ip", "127.0.0.1")
        with _served((*command, "-port", str(port)), {}, port, place):
            yield Target(name="Debian's webhook", port=port, path="/hooks/push", status="200")


@contextmanager
def _served(command: Sequence[str], given: Mapping[str, str], port: int, place: Path) -> Iterator[None]:
    environment = {"PATH": settings().environment["PATH"], **given}
    silent = subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, cwd=place, stdout=silent, stderr=silent)
    try:
        wait_until_ready({command[0]: listens(port)}, lambda: None, seconds=10, logs=place)
        yield
    finally:
        process.terminate()
        process.wait(10)
