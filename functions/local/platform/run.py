"""Starts the platform, waits until it is ready, and stops it."""

import fcntl
import http.client
import json
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType

from functions.common.errors import Rejected, Unavailable
from functions.common.settings import Settings, from_environment
from functions.local import instance as instances
from functions.local.git.hooks import write_hooks
from functions.local.instance import Instance, reserving, write_private
from functions.local.platform import database as postgres
from functions.local.platform import supervisor
from functions.local.platform import supervisor as leftovers
from functions.local.platform.database import prepare
from functions.local.platform.programs import (
    CODE,
    WORKERS,
    Program,
    caddy_program,
    environment,
    has_worker,
    nats_program,
    platform_programs,
)
from functions.local.platform.supervisor import Supervisor
from functions.local.routing import Routing, read_routing

# One platform for each state folder.


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the folder's lock. Raises Rejected naming the process that has it."""
    with (home / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            msg = f"{home} is in use by process {file.read().strip()}: stop that one, or choose another --home"
            raise Rejected(msg) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
        file.truncate(0)


# endpoints.json: where a running platform is, and how to get in.

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


# Waits until what was started answers.

Check = Callable[[], bool]

_STEP = 0.03
_ASK_SECONDS = 2.0


def wait_for(
    checks: Mapping[str, Callable[[], bool]], alive: Callable[[], None], *, seconds: float, logs: Path
) -> None:
    """Return when every check has said yes once. Raises Unavailable naming what does not answer, and its log.

    `alive` raises when waiting has no sense any more.
    """
    missing, deadline = dict(checks), time.monotonic() + seconds
    while missing:
        alive()
        for name in [name for name, check in missing.items() if check()]:
            del missing[name]
        if missing and time.monotonic() > deadline:
            names = ", ".join(f"{name} (see {logs / name}.log)" for name in missing)
            msg = f"not ready after {seconds:.0f} s: {names}"
            raise Unavailable(msg)
        time.sleep(_STEP if missing else 0)


def http_answers(port: int, path: str = "/healthz", *, below: int = 300) -> Check:
    """Return a check for an HTTP server that answers with a status under `below`."""

    def check() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ASK_SECONDS)
        try:
            connection.request("GET", path)
            return connection.getresponse().status < below
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return check


def socket_answers(path: Path) -> Check:
    """Return a check for a unix socket that takes connections."""

    def check() -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_ASK_SECONDS)
            return probe.connect_ex(str(path)) == 0

    return check


def does(action: Callable[[], object]) -> Check:
    """Return a check that says yes when the action goes through; only Unavailable means not yet."""

    def check() -> bool:
        try:
            action()
        except Unavailable:
            return False
        return True

    return check


# Ctrl-C, the wish of another process, a terminal that is closed: each ends what runs in the foreground, once.

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Somebody pressed Ctrl-C, closed the terminal, or asked by signal."""


def stop_at_signals() -> None:
    """Have the first signal say so and raise StopRequested here, and those after it do nothing."""
    for number in _SIGNALS:
        signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    del number, frame
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)  # stopping takes seconds at most, and is not to be cut short
    with suppress(OSError):  # the terminal may be gone
        print("\nstopping", flush=True)
    raise StopRequested


# Starts the platform, side by side as far as it can, and stops it without a trace.

_READY_SECONDS = 90.0
_FOLDERS = ("nats", "caddy", "git", "images", "builds", "work", "apps.d", "logs", "logs/apps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A platform that answers."""

    home: Path
    endpoints: Endpoints
    instance: Instance
    supervisor: Supervisor

    def wait(self) -> int:
        """Return the exit code of the process manager when it ends, which it does not by itself."""
        return self.supervisor.process.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is to be started."""

    root: Path
    routing: Routing
    workers: tuple[str, ...]
    settings: Settings
    say: Callable[[str], None]


@contextmanager
def running(
    home: Path,
    *,
    root: Path = CODE,
    workers: tuple[str, ...] = WORKERS,
    default_ports: bool = True,
    settings: Settings | None = None,
    say: Callable[[str], None] = print,
) -> Iterator[Platform]:
    """Start the project in `root` with its state in `home`, yield when all answers, stop it on the way out.

    With `default_ports` off a new instance takes any free ports. Raises Rejected when it can never
    start (in use, a manifest, a migration), Unavailable when something does not answer in time.
    """
    home, root = home.absolute(), root.absolute()
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o711)  # PostgreSQL may run as another user; whatever is secret has its own mode
    plan = _Plan(
        root=root, routing=read_routing(root), workers=workers, settings=settings or from_environment(), say=say
    )
    with only_one(home), reserving() as reservations:
        _end_leftovers(home, say)
        names = tuple(service.name for service in plan.routing.services)
        # Our git server sends as a Forgejo does, to the same address: both must sign with the same secret.
        secret = plan.settings.optional("FORGEJO_WEBHOOK_SECRET")
        instance = instances.choose(home, names, reservations, defaults=default_ports, webhook_secret=secret)
        with _supervised(instance, plan) as manager:
            yield _ready(instance, plan, manager)


@contextmanager
def _supervised(instance: Instance, plan: _Plan) -> Iterator[Supervisor]:
    with ExitStack() as stopping:  # from the last to the first, each whatever became of the one before
        stopping.callback(shutil.rmtree, instance.runtime, ignore_errors=True)
        stopping.callback((instance.home / FILE).unlink, missing_ok=True)
        stopping.callback(leftovers.end, instance.mark, patience=2.0)
        _make_folders(instance)
        place = postgres.place(instance)
        if place.moved:
            plan.say(f"PostgreSQL runs as {place.user}, who cannot reach {instance.home}: its data is in {place.data}")
        fresh = not (place.data / "PG_VERSION").exists()
        manager = supervisor.start(instance, _programs(instance, plan, place, fresh=fresh), plan.settings)
        stopping.callback(manager.stop)
        if fresh:  # beside the start of all others
            postgres.initialise(instance, place)
            _wait(instance, manager, {"supervisord": does(lambda: manager.call("startProcess", "postgres", False))})
        yield manager


def _programs(instance: Instance, plan: _Plan, place: postgres.PostgresPlace, *, fresh: bool) -> list[Program]:
    given = environment(instance, plan.routing, plan.settings)
    return [
        replace(postgres.program(instance, place), autostart=not fresh),
        nats_program(instance),
        caddy_program(instance),
        *platform_programs(instance, plan.routing, plan.root, given, plan.workers),
    ]


def _ready(instance: Instance, plan: _Plan, manager: Supervisor) -> Platform:
    checks: dict[str, Callable[[], bool]] = {
        "postgres": does(lambda: prepare(instance)),
        "caddy": socket_answers(instance.runtime / "caddy.sock"),
        "broker": http_answers(instance.ports["broker"]),
        "git": http_answers(instance.ports["git"]),
    }
    for service in plan.routing.services:
        checks[service.name] = http_answers(instance.ports[service.name])
    if has_worker("rollouts", plan.workers):  # it tells Caddy about the gateway
        checks["gateway"] = http_answers(instance.ports["gateway"], "/", below=500)
    _wait(instance, manager, checks)
    endpoints = endpoints_of(instance)
    endpoints.save(instance.home)
    return Platform(home=instance.home, endpoints=endpoints, instance=instance, supervisor=manager)


def _wait(instance: Instance, manager: Supervisor, checks: dict[str, Callable[[], bool]]) -> None:
    logs = instance.home / "logs"

    def alive() -> None:
        if manager.process.poll() is not None:
            words = (logs / "supervisord.err").read_text().strip()
            msg = f"the process manager ended: {words or f'see {logs}/supervisord.log'}"
            raise Unavailable(msg)

    wait_for(checks, alive, seconds=_READY_SECONDS, logs=logs)


def _end_leftovers(home: Path, say: Callable[[str], None]) -> None:
    known = instances.load(home)
    count = leftovers.end(known.mark) if known else 0
    if count:
        say(f"ended {count} processes of an earlier start that was killed")
    (home / FILE).unlink(missing_ok=True)


def _make_folders(instance: Instance) -> None:
    # The rollout controller writes all of these anew, and one with paths of before would stop the process manager.
    shutil.rmtree(instance.home / "apps.d", ignore_errors=True)
    for name in _FOLDERS:
        (instance.home / name).mkdir(parents=True, exist_ok=True)
    write_hooks(instance.home)
    shutil.rmtree(instance.runtime, ignore_errors=True)
    instance.runtime.mkdir(mode=0o700)
