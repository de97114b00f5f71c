"""Caddy's whole configuration, from what is wanted; pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.local.rollouts.app_routes import DEFAULT_WEIGHTS, app_routes
from functions.local.rollouts.gateway_routes import CERTIFIED, certified_route, gateway_routes
from functions.local.rollouts.pages import NO_ANSWER

_NO_ANSWER = {
    "handler": "static_response",
    "status_code": "{http.error.status_code}",
    "headers": {"Content-Type": ["text/plain; charset=utf-8"]},
    "body": NO_ANSWER,
}
FALLBACK_HOST = "localhost"
# Sockets that Caddy is born with (platform.listen): the same before and after a new configuration, so that
# nobody who waits in their queue is cut off.
_APPS_SOCKET, _GATEWAY_SOCKET = "fd/3", "fd/4"
# What a request in flight has when Caddy stops; the end of the platform does not wait that long (see stores).
_GRACE = "5m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where Caddy listens, keeps its files, and looks up hosts; ports are of the loopback address."""

    admin_socket: str
    storage: str
    access_log: str
    hosts: str
    certified: str
    apps_port: int
    gateway_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the configuration depends on beside its place: the shares that new versions may get, in percent."""

    weights: tuple[int, ...] = DEFAULT_WEIGHTS


def caddy_config(wanted: Wanted, listening: Listening, functions: Mapping[str, str]) -> dict[str, Any]:
    """Return the configuration; `apps.http` carries its identity, see identity()."""
    config = {
        "admin": {"listen": f"unix/{listening.admin_socket}"},
        "storage": {"module": "file_system", "root": listening.storage},
        "logging": _logging(listening),
        "apps": {"http": _http(wanted, listening, functions), "tls": _tls(listening), "pki": _pki()},
    }
    config["apps"]["http"]["@id"] = identity(config)
    return config


def identity(config: dict[str, Any]) -> str:
    """Return the name of exactly this configuration, by which a running Caddy can be asked for it."""
    http = {name: value for name, value in config["apps"]["http"].items() if name != "@id"}
    bare = {**config, "apps": {**config["apps"], "http": http}}
    return "slipway-" + hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()[:24]


def _http(wanted: Wanted, listening: Listening, functions: Mapping[str, str]) -> dict[str, Any]:
    apps = {
        "listen": [_APPS_SOCKET],
        "protocols": ["h1", "h2"],
        "automatic_https": {"disable": True},
        "tls_connection_policies": [{"fallback_sni": FALLBACK_HOST}],
        "logs": {"default_logger_name": "apps"},
        "routes": app_routes(listening.hosts, wanted.weights),
        "errors": {"routes": [{"handle": [_NO_ANSWER]}]},
    }
    gateway = {
        "listen": [_GATEWAY_SOCKET],
        "protocols": ["h1"],
        "automatic_https": {"disable": True},
        "routes": [certified_route(listening.certified), *gateway_routes(functions)],
    }
    return {
        "http_port": listening.gateway_port,
        "https_port": listening.apps_port,
        "grace_period": _GRACE,
        "servers": {"apps": apps, "gateway": gateway},
    }


def _tls(listening: Listening) -> dict[str, Any]:
    internal = {"issuers": [{"module": "internal"}]}
    asked = {"module": "http", "endpoint": f"http://127.0.0.1:{listening.gateway_port}{CERTIFIED}"}
    return {
        "certificates": {"automate": [FALLBACK_HOST]},
        "automation": {
            "policies": [{"subjects": [FALLBACK_HOST], **internal}, {"on_demand": True, **internal}],
            "on_demand": {"permission": asked},
        },
    }


def _pki() -> dict[str, Any]:
    return {"certificate_authorities": {"local": {"install_trust": False}}}


def _logging(listening: Listening) -> dict[str, Any]:
    # Headers and TLS facts stay out of the log: they may hold secrets, and the log is read while traffic moves.
    dropped = {field: {"filter": "delete"} for field in ("request>headers", "request>tls", "resp_headers")}
    return {
        "logs": {
            "default": {"level": "WARN", "exclude": ["http.log.access"]},
            "apps": {
                "include": ["http.log.access.apps"],
                "writer": {"output": "file", "filename": listening.access_log, "roll_size_mb": 10, "roll_keep": 2},
                "encoder": {"format": "filter", "wrap": {"format": "json"}, "fields": dropped},
            },
        }
    }
