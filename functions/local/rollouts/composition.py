"""Composes the rollout controller from the settings."""

from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

from functions.common.adapters.encryption import FernetCipher
from functions.common.adapters.postgres.client import Postgres
from functions.common.settings import Releases, Settings
from functions.local.rollouts.caddy import FALLBACK_HOST, CaddyAdmin, CaddySettings, HostFiles
from functions.local.rollouts.canary import Canary
from functions.local.rollouts.controller import RolloutController
from functions.local.rollouts.ingress import CertificateRecorder, Ingress, Traffic
from functions.local.rollouts.one_off import OneOffRuns
from functions.local.rollouts.readiness import Readiness
from functions.local.rollouts.replicas import Replicas
from functions.local.rollouts.retention import Retention
from functions.local.rollouts.state_machine import Restart, StateMachine
from functions.local.rollouts.store import RolloutStore
from functions.local.rollouts.supervision import AppPrograms, ProcessManager
from functions.local.rollouts.termination import Termination
from functions.local.rollouts.web_ports import WebPorts
from functions.local.sandbox.isolation import detect
from functions.local.tools import make_tools


class _Parts(TypedDict):
    """What everything that moves versions needs."""

    store: RolloutStore
    programs: AppPrograms
    process_manager: ProcessManager
    traffic: Traffic


def app_programs(settings: Settings) -> AppPrograms:
    """Return the programs of apps of a state folder."""
    home = settings.local.home
    return AppPrograms(
        home=home,
        tools=make_tools(home),
        isolation=detect(settings),
        processes=settings.sandbox.app_processes,
        cipher=FernetCipher(keys=settings.encryption.config_keys),
    )


def controller(settings: Settings, database: Postgres, programs: AppPrograms) -> RolloutController:
    """Return the controller of a state folder."""
    home, runtime = settings.local.home, settings.controller.runtime
    caddy = _caddy(settings, home, runtime)
    parts = _Parts(
        store=RolloutStore(database=database),
        programs=programs,
        process_manager=ProcessManager(socket=runtime / "supervisor.sock"),
        traffic=Traffic(routes=home / "routes"),
    )
    ingress = Ingress(
        database=database,
        store=parts["store"],
        traffic=parts["traffic"],
        admin=CaddyAdmin(socket=runtime / "caddy.sock"),
        caddy=caddy,
        hosts=_host_files(home),
        functions=settings.controller.functions,
    )
    ports = WebPorts(programs=programs)
    termination = Termination(**parts, ingress=ingress, admin=ingress.admin, ports=ports, grace=settings.releases.grace)
    limits = settings.limits
    return RolloutController(
        store=parts["store"],
        state_machine=_state_machine(parts, termination, settings.releases, Path(caddy.access_log)),
        ingress=ingress,
        termination=termination,
        retention=Retention(home=home, database=database, releases=limits.releases, days=limits.log_days),
        certificates=CertificateRecorder(database=database, authority=_authority(home), port=caddy.apps_port),
    )


def one_off_runs(settings: Settings, database: Postgres, programs: AppPrograms) -> OneOffRuns:
    """Return what runs one-off commands of a state folder."""
    return OneOffRuns(database=database, programs=programs, home=settings.local.home)


def _state_machine(parts: _Parts, termination: Termination, releases: Releases, access_log: Path) -> StateMachine:
    ports, ingress = termination.ports, termination.ingress
    return StateMachine(
        store=parts["store"],
        readiness=Readiness(
            **parts,
            ingress=ingress,
            ports=ports,
            release_limit=releases.command_limit,
            health_limit=releases.health_limit,
        ),
        canary=Canary(**parts, access_log=access_log, pause=releases.pause),
        termination=termination,
        restart=Restart(**parts, ports=ports),
        replicas=Replicas(**parts, admin=ingress.admin, ports=ports),
        ports=ports,
    )


def _authority(home: Path) -> Path:
    return home / "caddy" / "pki" / "authorities" / "local" / "root.crt"


def _host_files(home: Path) -> HostFiles:
    issued = home / "caddy" / "certificates" / "local"
    return HostFiles(hosts=home / "hosts", certified=home / "certified", issued=issued, kept=FALLBACK_HOST)


def _caddy(settings: Settings, home: Path, runtime: Path) -> CaddySettings:
    return CaddySettings(
        admin_socket=str(runtime / "caddy.sock"),
        storage=str(home / "caddy"),
        access_log=str(home / "access.log"),
        hosts=str(home / "hosts"),
        certified=str(home / "certified"),
        apps_port=settings.apps.port,
        gateway_port=urlsplit(settings.gateway.required_url).port or 80,
    )
