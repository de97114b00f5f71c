"""The programs of the platform: what runs, with which environment."""

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import functions
from functions.common.errors import Rejected
from functions.common.settings import Settings
from functions.local.files import write_private
from functions.local.instance import Instance
from functions.local.platform import listen
from functions.local.routing import Routing, Service

CODE = Path(functions.__file__).parents[1]
_UNLIMITED = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A command for the process manager; `environment` is added to the process manager's own."""

    name: str
    command: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    stop_signal: str = "TERM"
    stop_as_group: bool = True
    stop_seconds: int = 5
    priority: int = 100
    autostart: bool = True

    def section(self, logs: Path) -> str:
        """Return its section of supervisord.conf: restarted without limit, its output in a log file of limited size."""
        settings = {
            "command": shlex.join(self.command),
            "directory": str(self.directory),
            "environment": ",".join(f"{name}={_quoted(name, value)}" for name, value in self.environment.items()),
            "user": self.user,
            "priority": str(self.priority),
            "autostart": str(self.autostart).lower(),
            "autorestart": "true",
            "startsecs": "1",
            "startretries": str(_UNLIMITED),
            "stopsignal": self.stop_signal,
            "stopwaitsecs": str(self.stop_seconds),
            "stopasgroup": str(self.stop_as_group).lower(),
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": str(logs / f"{self.name}.log"),
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": "2",
        }
        lines = [f"{name} = {value.replace('%', '%%')}" for name, value in settings.items() if value]
        return "\n".join([f"[program:{self.name}]", *lines, ""])


def _quoted(name: str, value: str) -> str:
    quote = "'" if '"' in value else '"'
    if quote in value or "\n" in value:
        msg = f"the variable {name} cannot be passed to a process: it has both kinds of quotes, or a line break"
        raise Rejected(msg)
    return f"{quote}{value}{quote}"


# NATS and Caddy, from their wheels.

_MAX_PAYLOAD = 8 * 1024 * 1024  # events have at most 1 MiB, but older brokers left larger ones in the stream
# After a power cut the broker may have lost the events of this long; after a killed process it has lost none.
# Syncing each event (`always`) takes 1.8 ms instead of 1.0 for one publisher, and allows 480 events a second
# instead of 1,490 for sixteen, on two cores and an ext4 disk. The state itself is in PostgreSQL, which does
# sync, and reconcile publishes lost events again.
_SYNC = "1s"
# Without a limit NATS takes three quarters of what is free at its start: nothing, for ever, on a full disk.
_MAX_STORE_BYTES = 8 * 1024**3


def binary(name: str) -> str:
    """Return the path of a program that a wheel installed beside this Python."""
    return str(Path(sys.executable).parent / name)


def nats_program(instance: Instance) -> Program:
    """Write nats.conf and return the program: on loopback, with a token, JetStream in nats/."""
    folder = instance.home / "nats"
    config = {
        "server_name": "slipway",
        "listen": f"127.0.0.1:{instance.ports['nats']}",
        "http": f"127.0.0.1:{instance.ports['nats_health']}",
        "max_payload": _MAX_PAYLOAD,
        "authorization": {"token": instance.nats_token},
        "jetstream": {"store_dir": str(folder), "sync_interval": _SYNC, "max_file_store": _MAX_STORE_BYTES},
    }
    write_private(folder / "nats.conf", json.dumps(config, indent=2))  # a superset of JSON
    command = (binary("nats-server"), "--config", str(folder / "nats.conf"))
    return Program(name="nats", command=command, directory=folder, priority=2)


def caddy_program(instance: Instance) -> Program:
    """Write Caddy's first configuration, an admin socket and a CA, and return the program.

    The rollout controller loads the rest. A Caddy that was killed resumes with the last configuration; a new
    start of the platform begins with the first one, because ports may have changed.
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
    """Return the command of a Caddy that resumes its last configuration, or begins with `first`.

    Its descriptors 3 and 4 listen on the ports of apps and gateway: see listen.py.
    """
    sockets = (sys.executable, "-I", "-S", listen.__file__, str(apps), str(gateway), "--")
    return (*sockets, binary("caddy"), "run", "--resume", "--config", str(first))


# The other programs: broker, git, the workers, and the functions.

WORKERS = ("builds", "rollouts")
SSH_COMMAND = (sys.executable, "-m", "functions.local.git.ssh_server")
_GIT_APPLICATION = "functions.local.git.server:create()"


def environment(instance: Instance, routing: Routing, given: Settings) -> dict[str, str]:
    """Return the environment of every program of the platform; apps do not get it."""
    return {
        **given.inherited(),
        "DATABASE_URL": instance.functions_database_url,
        "K_SINK": instance.url("broker"),
        "SLIPWAY_EVENT_TOKEN": instance.event_token,
        "SLIPWAY_GIT_SECRET": instance.webhook_secret,
        "SLIPWAY_CONFIG_KEYS": _config_keys(instance, given),
        "DEFAULT_DOMAIN": "localhost",
        "SLIPWAY_PLATFORM": "local",
        "SLIPWAY_LOCAL_HOME": str(instance.home),
        "SLIPWAY_LOCAL_RUNTIME": str(instance.runtime),
        "SLIPWAY_APPS_PORT": str(instance.ports["apps"]),
        "SLIPWAY_GATEWAY_URL": instance.url("gateway"),
        "SLIPWAY_GIT_URL": instance.url("git"),
        "SLIPWAY_SSH_URL": instance.ssh_url,
        "SLIPWAY_API_URL": instance.url("manage-apps" if "manage-apps" in instance.ports else "gateway"),
        "SLIPWAY_FUNCTIONS": json.dumps({service.name: instance.url(service.name) for service in routing.services}),
        "PYTHONPATH": str(CODE),  # it also runs where the package is not installed
        "PYTHONUNBUFFERED": "1",
        "PYDANTIC_DISABLE_PLUGINS": "__all__",  # none are installed, and the search for them takes 5 ms of each start
    }


def _config_keys(instance: Instance, given: Settings) -> str:
    """Return the user's keys, then the platform's own, which opens what was encrypted before the user gave one."""
    return ",".join((*given.encryption.config_keys, instance.config_key))


def platform_programs(
    instance: Instance, routing: Routing, root: Path, given: Mapping[str, str], workers: tuple[str, ...]
) -> list[Program]:
    """Return all programs except the stores, in the order of their start."""
    commands = {
        "broker": (sys.executable, "-m", "functions.local.broker"),
        "git": git_command(instance.ports["git"]),
        "ssh": SSH_COMMAND,
        **{name: (sys.executable, "-m", f"functions.local.{name}") for name in workers},
    }
    own = [
        Program(name=name, command=command, directory=root, environment=given, priority=10)
        for name, command in commands.items()
    ]
    return own + [_function(service, instance, root, given) for service in routing.services]


def git_command(port: int) -> tuple[str, ...]:
    """Return the command of the git server; its requests may last long, so only the number of threads limits them.

    A push occupies a thread until its build and release have ended, or its user goes away.
    """
    server = (binary("gunicorn"), "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread")
    return (
        *server,
        "--threads",
        "64",
        "--timeout",
        "0",
        "--no-control-socket",
        "--log-level",
        "warning",
        _GIT_APPLICATION,
    )


def _function(service: Service, instance: Instance, root: Path, given: Mapping[str, str]) -> Program:
    own = {
        "FUNCTION_SOURCE": str(root / service.source),
        "FUNCTION_TARGET": service.target,
        "HOST": "127.0.0.1",
        "PORT": str(instance.ports[service.name]),
    }
    return Program(
        name=service.name,
        command=(sys.executable, "-m", "functions.common.runtime.serve"),
        directory=root,
        environment={**given, "THREADS": "8", **service.environment, **own},
        priority=20,
    )
