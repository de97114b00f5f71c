"""Putting the controller together from settings."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

from functions.common.adapters.postgres.client import Postgres
from functions.common.settings import SettingError, Settings
from functions.local.rollouts.caddy import FALLBACK_HOST, CaddyAdmin, HostFiles, Listening
from functions.local.rollouts.canary import Canary
from functions.local.rollouts.controller import RolloutController
from functions.local.rollouts.ingress import CertificateNotes, Ingress, Traffic
from functions.local.rollouts.readiness import Proving
from functions.local.rollouts.retention import Retention
from functions.local.rollouts.state_machine import Machine, Upkeep
from functions.local.rollouts.store import Rollouts
from functions.local.rollouts.supervision import Programs, Supervision
from functions.local.rollouts.termination import Ending
from functions.local.tools import make_tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds; each a setting of the platform."""

    pause: float
    release: float
    health: float
    grace: float


def limits(settings: Settings) -> Limits:
    """Read the limits."""
    return Limits(
        pause=settings.number("SLIPWAY_CANARY_PAUSE", 2.0),
        release=settings.number("SLIPWAY_RELEASE_LIMIT", 600.0),
        health=settings.number("SLIPWAY_HEALTH_LIMIT", 60.0),
        grace=settings.number("SLIPWAY_DRAIN_GRACE", 10.0),
    )


def controller(settings: Settings, database: Postgres) -> RolloutController:
    """Return the controller of this state folder."""
    home, runtime = Path(settings.local_home), Path(settings.required("SLIPWAY_LOCAL_RUNTIME"))
    listening = _listening(settings, home, runtime)
    rollouts, admin = Rollouts(database=database), CaddyAdmin(socket=runtime / "caddy.sock")
    traffic = Traffic(routes=home / "routes")
    ingress = Ingress(
        database=database, rollouts=rollouts, traffic=traffic, admin=admin, listening=listening,
        hosts=_host_files(home), functions=_functions(settings),
    )  # fmt: skip
    running = _Parts(
        rollouts=rollouts,
        programs=Programs(home=home, tools=make_tools(home)),
        supervision=Supervision(socket=runtime / "supervisor.sock"),
        traffic=traffic,
    )
    ending = Ending(**running, ingress=ingress, admin=admin, grace=limits(settings).grace)
    authority = home / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    return RolloutController(
        rollouts=rollouts,
        machine=_machine(running, ingress, ending, limits(settings), Path(listening.access_log)),
        ingress=ingress,
        ending=ending,
        retention=Retention(
            home=home,
            database=database,
            releases=int(settings.number("SLIPWAY_KEEP_RELEASES", 10)),
            days=int(settings.number("SLIPWAY_KEEP_LOG_DAYS", 30)),
        ),
        certificates=CertificateNotes(database=database, authority=authority, port=listening.apps_port),
    )


def _machine(running: "_Parts", ingress: Ingress, ending: Ending, bounds: Limits, access_log: Path) -> Machine:
    return Machine(
        rollouts=running["rollouts"],
        proving=Proving(**running, ingress=ingress, release_limit=bounds.release, health_limit=bounds.health),
        canary=Canary(**running, access_log=access_log, pause=bounds.pause),
        ending=ending,
        upkeep=Upkeep(**running),
    )


class _Parts(TypedDict):
    """What all that moves versions needs."""

    rollouts: Rollouts
    programs: Programs
    supervision: Supervision
    traffic: Traffic


def _host_files(home: Path) -> HostFiles:
    issued = home / "caddy" / "certificates" / "local"
    return HostFiles(hosts=home / "hosts", certified=home / "certified", issued=issued, kept=FALLBACK_HOST)


def _listening(settings: Settings, home: Path, runtime: Path) -> Listening:
    return Listening(
        admin_socket=str(runtime / "caddy.sock"),
        storage=str(home / "caddy"),
        access_log=str(home / "access.log"),
        hosts=str(home / "hosts"),
        certified=str(home / "certified"),
        apps_port=int(settings.required("SLIPWAY_APPS_PORT")),
        gateway_port=urlsplit(settings.required("SLIPWAY_GATEWAY_URL")).port or 80,
    )


def _functions(settings: Settings) -> dict[str, str]:
    try:
        found = json.loads(settings.optional("SLIPWAY_FUNCTIONS", "{}"))
        return {str(name): str(url) for name, url in found.items()}
    except (ValueError, AttributeError) as error:
        msg = "the setting SLIPWAY_FUNCTIONS must be a JSON object of function name to URL"
        raise SettingError(msg) from error
