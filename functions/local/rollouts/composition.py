"""Putting the controller together from settings."""

from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

from functions.common.adapters.postgres.client import Postgres
from functions.common.settings import Releases, Settings
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


def controller(settings: Settings, database: Postgres) -> RolloutController:
    """Return the controller of this state folder."""
    home, runtime = settings.local.home, settings.controller.runtime
    listening = _listening(settings, home, runtime)
    rollouts, admin = Rollouts(database=database), CaddyAdmin(socket=runtime / "caddy.sock")
    traffic = Traffic(routes=home / "routes")
    ingress = Ingress(
        database=database, rollouts=rollouts, traffic=traffic, admin=admin, listening=listening,
        hosts=_host_files(home), functions=settings.controller.functions,
    )  # fmt: skip
    running = _Parts(
        rollouts=rollouts,
        programs=Programs(home=home, tools=make_tools(home)),
        supervision=Supervision(socket=runtime / "supervisor.sock"),
        traffic=traffic,
    )
    ending = Ending(**running, ingress=ingress, admin=admin, grace=settings.releases.grace)
    authority = home / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    return RolloutController(
        rollouts=rollouts,
        machine=_machine(running, ingress, ending, settings.releases, Path(listening.access_log)),
        ingress=ingress,
        ending=ending,
        retention=Retention(
            home=home,
            database=database,
            releases=settings.limits.releases,
            days=settings.limits.log_days,
        ),
        certificates=CertificateNotes(database=database, authority=authority, port=listening.apps_port),
    )


def _machine(running: "_Parts", ingress: Ingress, ending: Ending, given: Releases, access_log: Path) -> Machine:
    return Machine(
        rollouts=running["rollouts"],
        proving=Proving(**running, ingress=ingress, release_limit=given.command_limit, health_limit=given.health_limit),
        canary=Canary(**running, access_log=access_log, pause=given.pause),
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
        apps_port=settings.apps.port,
        gateway_port=urlsplit(settings.gateway.required_url).port or 80,
    )
