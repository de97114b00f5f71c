"""Starts the platform, side by side as far as it can, and stops it without a trace."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from functions.common.errors import Unavailable
from functions.common.settings import Settings, from_environment
from functions.local import instance as instances
from functions.local.git.hooks import write_hooks
from functions.local.instance import Instance
from functions.local.manifests import read_routing
from functions.local.platform import leftovers, postgres, supervisor
from functions.local.platform.database import prepare
from functions.local.platform.endpoints import FILE, Endpoints, endpoints_of
from functions.local.platform.lock import only_one
from functions.local.platform.program import Program
from functions.local.platform.programs import CODE, WORKERS, environment, has_worker, platform_programs
from functions.local.platform.ready import does, http_answers, socket_answers, wait_for
from functions.local.platform.stores import caddy_program, nats_program
from functions.local.platform.supervisor import Supervisor
from functions.local.ports import reserving
from functions.local.routing import Routing

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
