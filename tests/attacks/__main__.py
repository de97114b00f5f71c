"""`task attacks`: attacks the broker and every function of a real platform, prints a table, and exits 0 when all hold.

Each gets the requests of tests/attacks and mutations of them. No answer may be a 5xx, but for 501 and 505, by which
HTTP says that it does not know a transfer coding or version. Memory may not grow, and good requests must be answered
within a second all the time. Afterwards a push must start its build, and no event may be left in the stream.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from http.client import UNAUTHORIZED, HTTPConnection
from pathlib import Path

import nats

from functions.common.adapters.postgres.client import Postgres
from functions.common.settings import Settings
from functions.local.broker.jetstream import STREAM
from functions.local.manifests import read_routing
from functions.local.platform.programs import CODE
from functions.local.platform.run import Platform, running
from functions.local.platform.supervisor import call
from tests.attacks.events import BINARY, STRUCTURED
from tests.attacks.forged import forged_events
from tests.attacks.requests import Attack, attacks, floods, largest_events, largest_webhooks
from tests.attacks.target import Result, Target, attack
from tests.attacks.watch import Probe
from tests.attacks.wire import request, send
from tests.bench.payload import BODY_BYTES, push, signed_headers
from tests.chaos.apps import create
from tests.local.sandboxed import sandbox_settings
from tests.manifests import function_manifests
from tests.patience import patient

HEALTH = request([], b"", method="GET", path="/healthz")
GOOD_EVENT = request(BINARY.items(), b"{}")
TRIGGERS = [(one.name, kind) for one in function_manifests() for kind in sorted(one.event_types)]
MAX_LOG_LINES = 3000  # of the broker, all in all
_OWN_PATHS = {
    "verify-webhook": "/v1/webhooks/forgejo",
    "manage-apps": "/v1/apps",
    "dashboard": "/dashboard/login",
    "stream-events": "/dashboard/stream",
}
_BUILD_SECONDS, _STREAM_SECONDS = 30.0, 180.0
_STARTED = (
    "select 1 from pushes p join events e on e.push = p.id where p.sha = :sha and e.type like '%.build.started.v1'"
)


def main(arguments: list[str]) -> int:
    """Attack a platform of its own."""
    parser = argparse.ArgumentParser(prog="task attacks --", description=__doc__)
    parser.add_argument("--mutations", type=int, default=2000, help="for each server")
    parser.add_argument("--seed", type=int, default=14)
    parser.add_argument("--only", action="append", help="attack this server alone; may be given more than once")
    parser.add_argument("--home", type=Path, help="keep the state here, to look into it afterwards")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    with ExitStack() as stack:
        folder = options.home or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="slipway-attacks-", ignore_cleanup_errors=True))
        )
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)  # PostgreSQL runs as another user where this one is root
        settings = Settings(environment={"SLIPWAY_LOCAL_CLOCK": "2", **sandbox_settings(folder)})
        platform = stack.enter_context(
            running(folder / "home", workers=("rollouts",), default_ports=False, settings=settings)
        )
        failures = _attack(platform, folder, options)
    print(f"{time.monotonic() - began:.0f} s, --seed {options.seed}: {'all hold' if not failures else 'NOT all hold'}")
    return 1 if failures else 0


def _attack(platform: Platform, folder: Path, options: argparse.Namespace) -> list[str]:
    failures = []
    print(f"{'server':<16}{'answers':<50}{'good':>6}{'slowest':>10}{'memory, MB':>18}  failures", flush=True)
    for target in _targets(platform, options.only):
        result = attack(target, mutations=options.mutations, seed=options.seed)
        print(_row(result), flush=True)
        failures += result.failures
    lines = (platform.home / "logs" / "broker.log").read_text(errors="replace").count("\n")
    for name, failure in (
        ("forged events are refused", _forged(platform)),
        ("a push starts its build", _push(platform, folder)),
        ("no event is left in the stream", _left(platform)),
        (f"the broker logged {lines} lines", "" if lines < MAX_LOG_LINES else f"more than {MAX_LOG_LINES}"),
    ):
        print(f"{name}: {failure or 'yes'}", flush=True)
        failures += [failure] if failure else []
    for failure in failures[:50]:
        print(f"  {failure}")
    return failures


def _targets(platform: Platform, only: list[str] | None) -> Iterator[Target]:
    infos = call(platform.instance.runtime / "supervisor.sock", "getAllProcessInfo")
    processes = {info["name"]: info["pid"] for info in infos}
    health = {"broker": 200}
    for name in ("broker", *sorted(service.name for service in read_routing(CODE).services)):
        if only and name not in only:
            continue
        port = platform.instance.ports[name]
        probes = [Probe("health", port, HEALTH, health.get(name, 204))]
        if name == "broker":
            probes.append(Probe("event", port, authorized(GOOD_EVENT, platform), 202))
        own = _OWN_PATHS.get(name)
        known = partial(_authorized, platform=platform) if own is None else list
        yield Target(
            name=name,
            port=port,
            process=processes[name],
            attacks=[*known(attacks()), *(_own(platform, own) if own else [])],
            floods=[*known(floods()), *(floods(own) if own else [])],
            heaviest=largest_webhooks(own) if own and name == "verify-webhook" else known(largest_events()),
            probes=probes,
        )


def authorized(sent: bytes, platform: Platform) -> bytes:
    """Return a request with the token of events, so that it comes as far as a stranger's never does."""
    return sent.replace(
        b"Host: x\r\n", f"Host: x\r\nAuthorization: Bearer {platform.instance.event_token}\r\n".encode()
    )


def _authorized(found: Iterable[Attack], platform: Platform) -> list[Attack]:
    return [Attack(one.name, authorized(one.sent, platform)) for one in found]


def _forged(platform: Platform) -> str:
    """Return which forged event is not refused for want of the token, at the broker or at its function."""
    target = {"push": "none", "build": "none", "run": "none", "channel": "none", "release": 1}
    for function, kind in TRIGGERS:
        for event in forged_events(kind, function, target):
            sent = request(STRUCTURED.items(), json.dumps(event).encode())
            for name in ("broker", function):
                status = send(platform.instance.ports[name], sent, within=patient(5)).status
                if status != UNAUTHORIZED:
                    return f"{kind} at {name}: {status}"
    return ""


def _own(platform: Platform, path: str) -> list[Attack]:
    """Return the attacks on a function's own path, and requests of its own that are good, or nearly."""
    body = push(
        "1" * 40, before="0" * 40, clone_url="http://x/slipway/none.git", full_name="slipway/none", size=BODY_BYTES
    )
    headers = signed_headers(body, secret=platform.endpoints.webhook_secret, delivery=str(uuid.uuid4()))
    token = [("Authorization", f"Bearer {platform.endpoints.token}"), ("Content-Type", "application/json")]
    return [
        *attacks(path),
        Attack("a signed push", request(headers.items(), body, path="/v1/webhooks/forgejo")),
        Attack("a list of apps", request(token, b"", method="GET", path="/v1/apps?limit=3&cursor=x")),
        Attack("a new app", request(token, b'{"name": "attacked"}', path="/v1/apps")),
        Attack(
            "an app's config", request(token, b'{"values": {"A": "b"}}', method="PATCH", path="/v1/apps/none/config")
        ),
    ]


def _row(result: Result) -> str:
    answers = ", ".join(f"{count} {kind}" for kind, count in sorted(result.answers.items()))
    memory = " -> ".join(f"{size:.0f}" for size in result.memory)
    slowest = f"{result.slowest * 1000:.0f} ms"
    return (
        f"{result.name:<16}{answers:<50}{result.probes:>6}{slowest:>10}{memory:>18}  {len(result.failures) or 'none'}"
    )


def _push(platform: Platform, folder: Path) -> str:
    """Return what is wrong with a push by webhook, empty when its build starts."""
    database = Postgres(platform.endpoints.database)
    app = create(platform, folder, "good")
    made = app.push()
    body = push(made.after, before=made.before, clone_url=made.clone_url, full_name="slipway/good", size=BODY_BYTES)
    headers = signed_headers(body, secret=platform.endpoints.webhook_secret, delivery=str(uuid.uuid4()))
    connection = HTTPConnection(platform.endpoints.gateway.rpartition("//")[2], timeout=patient(20))
    connection.request("POST", "/v1/webhooks/forgejo", body, headers)
    status = connection.getresponse().status
    connection.close()
    deadline = time.monotonic() + patient(_BUILD_SECONDS)
    while not database.run(_STARTED, sha=made.after):
        if time.monotonic() > deadline:
            return f"answered with {status}, and no build started"
        time.sleep(0.1)
    return ""


def _left(platform: Platform) -> str:
    """Return what is left in the stream after its retries, empty when nothing is."""
    deadline = time.monotonic() + patient(_STREAM_SECONDS)
    while count := asyncio.run(_messages(platform.instance.nats_url)):
        if time.monotonic() > deadline:
            return f"{count} messages"
        time.sleep(1)
    return ""


async def _messages(url: str) -> int:
    client = await nats.connect(url)
    try:
        return int((await client.jetstream().stream_info(STREAM)).state.messages)
    finally:
        await client.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
