"""Starts the platform, waits until it is ready, and stops it."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from functions.common.errors import Unavailable
from functions.common.settings import Settings, from_environment
from functions.local import instance as instances
from functions.local.files import exclusive_lock, write_private
from functions.local.git.hooks import write_hooks
from functions.local.instance import ENDPOINTS_FILE, Endpoints, Instance, endpoints_of
from functions.local.manifests import read_routing
from functions.local.platform import database as postgres
from functions.local.platform import supervisor
from functions.local.platform.health import Check, http_answers, socket_accepts, ssh_answers, succeeds, wait_until_ready
from functions.local.platform.monitor import Monitor, monitoring
from functions.local.platform.processes import end_processes
from functions.local.platform.programs import (
    CODE,
    WORKERS,
    Program,
    caddy_program,
    environment,
    nats_program,
    platform_programs,
)
from functions.local.platform.supervisor import Supervisor
from functions.local.ports import port_reservations
from functions.local.routing import Routing
from functions.local.sandbox.isolation import detect, weakness

LOCK = "lock"  # in the state folder; it names the process that runs the platform
_READY_SECONDS = 90.0
_PRIVATE = 0o077
_FOLDERS = ("nats", "caddy", "git", "images", "builds", "work", "apps.d", "logs", "logs/apps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A platform that is ready."""

    home: Path
    endpoints: Endpoints
    instance: Instance
    supervisor: Supervisor

    def wait(self) -> int:
        """Wait until the process manager ends, which is always a failure, and return its exit code."""
        return self.supervisor.process.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What to start."""

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
    """Start the project in `root` with its state in `home`, yield when it is ready, and stop it after the block.

    Without `default_ports` a new instance takes any free ports. Raises Rejected when it can never start (its
    folder is in use, a manifest or a migration is wrong), Unavailable when a program is not ready in time.
    """
    home, root = home.absolute(), root.absolute()
    plan = _Plan(
        root=root, routing=read_routing(root), workers=workers, settings=settings or from_environment(), say=say
    )
    with private_files(), exclusive_lock(home / LOCK, wait=False), port_reservations() as reservations:
        end_leftovers(home, say)
        _protect(home, plan)
        names = tuple(service.name for service in plan.routing.services)
        instance = instances.choose(home, names, reservations, defaults=default_ports)
        with _supervised(instance, plan) as manager:
            yield _ready(instance, plan, manager)


@contextmanager
def private_files() -> Iterator[None]:
    """Let all files of the platform be its user's alone, those of its processes included."""
    before = os.umask(_PRIVATE)
    try:
        yield
    finally:
        os.umask(before)


def _protect(home: Path, plan: _Plan) -> None:
    """Close the state folder to other users, and find how builds and apps are isolated. Raises Rejected."""
    home.chmod(0o700)
    settings = Settings(environment={**plan.settings.environment, "SLIPWAY_LOCAL_HOME": str(home)})
    isolation = detect(settings)
    if os.getuid() == 0:  # PostgreSQL runs as another user, whose group may pass
        os.chown(home, 0, postgres.group())
        home.chmod(0o711 if isolation.kind == "users" else 0o710)
    missing, known = weakness(isolation), home / "weakness"  # manage-apps shows it to administrators
    if not missing:
        known.unlink(missing_ok=True)
        return
    plan.say(f"warning: {missing}")
    if not known.exists() or known.read_text(encoding="utf-8") != missing:
        write_private(known, missing)


@contextmanager
def _supervised(instance: Instance, plan: _Plan) -> Iterator[Supervisor]:
    with ExitStack() as stopping:  # runs in reverse order; each step runs even when one before it failed
        stopping.callback(shutil.rmtree, instance.runtime, ignore_errors=True)
        stopping.callback((instance.home / ENDPOINTS_FILE).unlink, missing_ok=True)
        stopping.callback(end_processes, instance.mark, patience=2.0)
        _make_folders(instance)
        paths = postgres.locate(instance)
        if paths.moved:
            plan.say(f"PostgreSQL runs as {paths.user}, who cannot reach {instance.home}: its data is in {paths.data}")
        is_new = not (paths.data / "PG_VERSION").exists()
        manager = supervisor.start(instance, _programs(instance, plan, paths, is_new=is_new), plan.settings)
        stopping.callback(manager.stop)
        stopping.enter_context(monitoring(_monitor(instance, plan, paths, manager)))
        if is_new:  # the other programs start meanwhile
            postgres.initialise(instance, paths)
            start = succeeds(lambda: manager.call("startProcess", "postgres", False))
            _wait(instance, manager, {"supervisord": start})
        yield manager


def _monitor(instance: Instance, plan: _Plan, paths: postgres.PostgresPaths, manager: Supervisor) -> Monitor:
    return Monitor(
        supervisor=manager,
        folders=(instance.home, paths.data.parent),
        nats_port=instance.ports["nats_health"],
        logs=instance.home / "logs",
        say=plan.say,
    )


def _programs(instance: Instance, plan: _Plan, paths: postgres.PostgresPaths, *, is_new: bool) -> list[Program]:
    given = environment(instance, plan.routing, plan.settings)
    return [
        replace(postgres.program(instance, paths), autostart=not is_new),
        nats_program(instance),
        caddy_program(instance),
        *platform_programs(instance, plan.routing, plan.root, given, plan.workers),
    ]


def _ready(instance: Instance, plan: _Plan, manager: Supervisor) -> Platform:
    _wait(instance, manager, _checks(instance, plan, manager))
    endpoints = endpoints_of(instance)
    endpoints.save(instance.home)
    return Platform(home=instance.home, endpoints=endpoints, instance=instance, supervisor=manager)


def _checks(instance: Instance, plan: _Plan, manager: Supervisor) -> dict[str, Check]:
    checks = {
        "postgres": succeeds(lambda: postgres.prepare(instance)),
        "caddy": socket_accepts(instance.runtime / "caddy.sock"),
        "broker": http_answers(instance.ports["broker"]),
        "git": http_answers(instance.ports["git"]),
        "ssh": ssh_answers(instance.ports["ssh"]),
    }
    for service in plan.routing.services:
        checks[service.name] = http_answers(instance.ports[service.name])
    if "rollouts" in plan.workers:  # the rollout controller configures Caddy, and with it the gateway
        checks["gateway"] = http_answers(instance.ports["gateway"], "/", below=500)
    return checks | {name: _is_running(manager, name) for name in plan.workers}


def _is_running(manager: Supervisor, name: str) -> Check:
    """Return a check for a program without an endpoint: it has run for a second."""

    def check() -> bool:
        try:
            return bool((manager.call("getProcessInfo", name) or {}).get("statename") == "RUNNING")
        except Unavailable:
            return False

    return check


def _wait(instance: Instance, manager: Supervisor, checks: dict[str, Check]) -> None:
    logs = instance.home / "logs"

    def alive() -> None:
        if manager.process.poll() is not None:
            words = (logs / "supervisord.err").read_text().strip()
            msg = f"the process manager ended: {words or f'see {logs}/supervisord.log'}"
            raise Unavailable(msg)

    wait_until_ready(checks, alive, seconds=_READY_SECONDS, logs=logs)


def end_leftovers(home: Path, say: Callable[[str], None]) -> None:
    """End the processes of a platform that was killed; call it with the folder's lock held."""
    known = instances.load(home)
    count = end_processes(known.mark) if known else 0
    if count:
        say(f"ended {count} processes of an earlier start that was killed")
    (home / ENDPOINTS_FILE).unlink(missing_ok=True)


def _make_folders(instance: Instance) -> None:
    # The rollout controller writes all app programs again; one with old paths would stop the process manager.
    shutil.rmtree(instance.home / "apps.d", ignore_errors=True)
    for changed in (instance.home / "images").glob(".changed-*"):
        shutil.rmtree(changed, ignore_errors=True)
    for name in _FOLDERS:
        (instance.home / name).mkdir(parents=True, exist_ok=True)
    write_hooks(instance.home)
    shutil.rmtree(instance.runtime, ignore_errors=True)
    instance.runtime.mkdir(mode=0o700)


# Ctrl-C, `kill`, a closed terminal: each stops what runs in the foreground, once.

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """The user pressed Ctrl-C or closed the terminal, or a signal asked this process to stop."""


def stop_at_signals() -> None:
    """Let the first signal raise StopRequested in the main thread, and later ones do nothing."""
    for number in _SIGNALS:
        signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    del number, frame
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)  # stopping takes a few seconds and must not be interrupted
    with suppress(OSError):  # the terminal may be gone
        print("\nstopping", flush=True)
    raise StopRequested
