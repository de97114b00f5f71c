"""All programs of the platform: stores, broker, git, the functions, and the workers."""

import importlib.util
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import functions
from functions.common.settings import Settings
from functions.local.instance import Instance
from functions.local.platform.program import Program
from functions.local.platform.stores import binary
from functions.local.routing import Routing, Service

CODE = Path(functions.__file__).parents[1]
WORKERS = ("builds", "rollouts")
_PASSED_ON = (
    "GITEA_DEFAULT_ORG",
    "GITEA_TOKEN",
    "GITEA_URL",
    "GITEA_WEBHOOK_SECRET",
    "GITHUB_WEBHOOK_SECRET",
    "GITLAB_WEBHOOK_SECRET",
    "SLIPWAY_BUILD_LIMIT",
    "SLIPWAY_BUILD_PLACES",
    "SLIPWAY_CANARY_PAUSE",
    "SLIPWAY_CANARY_STEPS",
    "SLIPWAY_DRAIN_GRACE",
    "SLIPWAY_HEALTH_LIMIT",
    "SLIPWAY_HEALTH_PATH",
    "SLIPWAY_KEEP_LOG_DAYS",
    "SLIPWAY_KEEP_RELEASES",
    "SLIPWAY_LOCAL_CLOCK",
    "SLIPWAY_PREVIEW_MAX_AGE",
    "SLIPWAY_PUSH_DEADLINE",
    "SLIPWAY_RELEASE_LIMIT",
    "WOODPECKER_WEBHOOK_SECRET",
)


def environment(instance: Instance, routing: Routing, given: Settings) -> dict[str, str]:
    """Return what every process of the platform, but no app, has in its environment."""
    passed = {name: given.optional(name) for name in _PASSED_ON if given.optional(name)}
    return {
        "DATABASE_URL": instance.database_url,
        "K_SINK": instance.url("broker"),
        "PAAS_WEBHOOK_SECRET": instance.webhook_secret,
        "DEFAULT_DOMAIN": "localhost",
        "SLIPWAY_PLATFORM": "local",
        "SLIPWAY_LOCAL_HOME": str(instance.home),
        "SLIPWAY_LOCAL_RUNTIME": str(instance.runtime),
        "SLIPWAY_APPS_PORT": str(instance.ports["apps"]),
        "SLIPWAY_GATEWAY_URL": instance.url("gateway"),
        "SLIPWAY_GIT_URL": instance.url("git"),
        "SLIPWAY_FUNCTIONS": json.dumps({service.name: instance.url(service.name) for service in routing.services}),
        "PYTHONPATH": str(CODE),  # so that it also runs where the package is not installed
        "PYTHONUNBUFFERED": "1",
        **passed,
    }


def platform_programs(
    instance: Instance, routing: Routing, root: Path, given: Mapping[str, str], workers: tuple[str, ...]
) -> list[Program]:
    """Return the programs beside the stores, in the order of their start."""
    python = sys.executable
    git: tuple[str, ...] = (
        binary("gunicorn"),
        "--bind",
        f"127.0.0.1:{instance.ports['git']}",
        "--worker-class",
        "gthread",
    )
    git += ("--threads", "8", "--timeout", "0", "--no-control-socket", "--log-level", "warning")
    modules = {"broker": (python, "-m", "functions.local.broker"), "git": (*git, "functions.local.git.app:create()")}
    modules |= {name: (python, "-m", f"functions.local.{name}") for name in WORKERS if has_worker(name, workers)}
    own = [
        Program(name=name, command=command, directory=root, environment=given, priority=10)
        for name, command in modules.items()
    ]
    return own + [_function(service, instance, root, given) for service in routing.services]


def has_worker(worker: str, wanted: tuple[str, ...]) -> bool:
    """Return whether this worker is wanted and there."""
    try:
        return worker in wanted and importlib.util.find_spec(f"functions.local.{worker}.__main__") is not None
    except ModuleNotFoundError:
        return False


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
