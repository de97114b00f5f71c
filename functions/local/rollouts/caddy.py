"""Caddy: its configuration, its admin API, and the host files that it looks up for each request."""

import hashlib
import http.client
import json
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Any
from urllib.parse import urlsplit

from functions.common.errors import Unavailable

# The texts of Caddy's own answers.

NO_APP = (
    "404: no app answers at this host.\n\n"
    "Apps answer at https://NAME.localhost:PORT/. `paas apps list` shows which there are;\n"
    "`paas apps create NAME` creates one, and a git push to it brings it here.\n"
)
NOT_LIVE = (
    "503: this app has no running version yet.\n\n"
    "Push to its repository, or see the state of its first release: `paas releases APP`, `paas logs APP`.\n"
)
MAINTENANCE = (
    "503: this app is under maintenance.\n\n"
    "It will be back soon. `paas maintenance off` ends this page; what ran before it still runs.\n"
)
NO_ANSWER = (
    "{http.error.status_code}: the app did not answer.\n\n"
    "Its process may have crashed or be restarting; `paas logs APP` shows its output.\n"
)
GATEWAY = (
    "404: there is nothing at this path.\n\n"
    "Webhooks go to /v1/webhooks/ and the forge's name: forgejo, gitea, github, gitlab.\n"
    "The API is below /v1 and /api/v1, the dashboard at /dashboard.\n"
)


# The routes to apps. Which host leads where is not in the configuration: see HostFiles and ingress.Traffic.

DEFAULT_WEIGHTS = (10, 25, 50)
_WHOLE = 100
_SLOTS = ("a", "b")
# A request for an upstream that is restarting waits, instead of failing.
_RETRIES = {"try_duration": "10s", "try_interval": "50ms"}
# No connection to an app is reused: if the app closed it at that moment, the request would be lost.
_TRANSPORT = {"protocol": "http", "keep_alive": {"enabled": False}}
_HOST = "/{http.request.host}/"
# A host is the same in any case, and with the dot that ends a full name; a file has one name. Caddy cannot lower a text
# but by replacing letters, which it does only for a host that needs it. Apps get the host so too.
_ODD_HOST = {"header_regexp": {"Host": {"pattern": "[A-Z]|\\.(:[0-9]*)?$"}}}
_NO_HOST = {"header_regexp": {"Host": {"pattern": "^\\.*(:[0-9]*)?$"}}}  # it would be the folder of the host files
_PLAIN_HOST = [
    {"search_regexp": "\\.(:[0-9]*)?$", "replace": "$1"},
    *({"search": letter, "replace": letter.lower()} for letter in ascii_uppercase),
]
CADDY_LAG_SECONDS = 0.1  # between its reading of the split and its counting of the request
MAINTENANCE_FILE = "maintenance"
FAN = 12  # how many web processes a version may have
# The name of an environment's traffic file: see ingress.Traffic.
_PORTS = ",".join(["([0-9]*)"] * FAN)
_NAMES = {"name": "to", "pattern": f"/[0-9]+@([ab][0-9]*)@{_PORTS}@{_PORTS}$"}
_SPLIT, _BEFORE = "{http.regexp.to.1}", {"a": 2, "b": 2 + FAN}
_TEXT = {"Content-Type": ["text/plain; charset=utf-8"]}


def app_routes(hosts: str, weights: tuple[int, ...]) -> list[dict[str, Any]]:
    """Return the routes; `hosts` is the folder of host files, `weights` the percentages that a new version may get."""
    whole = [_only(slot) for slot in _SLOTS]
    shared = [_shared(slot, weight) for slot in _SLOTS for weight in weights if 0 < weight < _WHOLE]
    handlers = [
        {"handler": "log_append", "key": "upstream", "value": "{http.reverse_proxy.upstream.hostport}"},
        {"handler": "log_append", "key": "first", "value": "{http.vars.first}"},
        {"handler": "subroute", "routes": [*whole, *shared]},
    ]
    has_version = {"vars_regexp": {"{http.matchers.file.relative}": _NAMES}}
    not_live = _page(503, NOT_LIVE) | {"headers": {**_TEXT, "Retry-After": ["5"]}}
    inner = [{"match": [has_version], "handle": handlers, "terminal": True}, {"handle": [not_live]}]
    in_maintenance = _page(503, MAINTENANCE) | {
        "headers": {**_TEXT, "Retry-After": ["120"], "Cache-Control": ["no-store"]}
    }
    return [
        _route(_NO_HOST, _page(404, NO_APP)),
        {"match": [_ODD_HOST], "handle": [{"handler": "headers", "request": {"replace": {"Host": _PLAIN_HOST}}}]},
        _route(files(hosts, f"{_HOST}{MAINTENANCE_FILE}"), in_maintenance),
        _route(files(hosts, f"{_HOST}*@*"), {"handler": "subroute", "routes": inner}),
        _route(files(hosts, _HOST), not_live),
        {"handle": [_page(404, NO_APP)]},
    ]


def proxy(dials: list[str], **options: Any) -> dict[str, Any]:  # noqa: ANN401 - Caddy's JSON
    """Return a handler that forwards requests, and waits for an upstream that does not accept connections yet."""
    balancing = {**_RETRIES, **options.pop("load_balancing", {})}
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": dial} for dial in dials],
        "load_balancing": balancing,
        "transport": _TRANSPORT,
        "flush_interval": -1,
        "stream_close_delay": "5m",
        **options,
    }


def files(root: str, name: str) -> dict[str, Any]:
    """Return a matcher of a file by name; only `name` may be a pattern."""
    escaped = "".join(f"\\{letter}" if letter in "*?[\\" else letter for letter in root)
    return {"file": {"root": escaped, "try_files": [name]}}


def _route(match: dict[str, Any], handler: dict[str, Any]) -> dict[str, Any]:
    return {"match": [match], "handle": [handler], "terminal": True}


def _page(status: int, text: str) -> dict[str, Any]:
    return {"handler": "static_response", "status_code": status, "headers": _TEXT, "body": text}


def _dials(slot: str) -> list[str]:
    return [f"127.0.0.1:{{http.regexp.to.{_BEFORE[slot] + position}}}" for position in range(FAN)]


def _in_turn(slot: str) -> dict[str, Any]:
    return proxy(_dials(slot), load_balancing={"selection_policy": {"policy": "round_robin"}})


def _only(slot: str) -> dict[str, Any]:
    return _route({"vars": {_SPLIT: [slot]}}, _in_turn(slot))


def _shared(new: str, weight: int) -> dict[str, Any]:
    old = "b" if new == "a" else "a"
    share, rest = _reduced(weight, _WHOLE - weight)
    dials = [dial for pair in zip(_dials(new), _dials(old), strict=True) for dial in pair]
    handler = proxy(
        dials,
        load_balancing={"selection_policy": {"policy": "weighted_round_robin", "weights": [share, rest] * FAN}},
        handle_response=[{"match": {"status_code": [5]}, "routes": _repeat_on(old)}],
    )
    return _route({"vars": {_SPLIT: [f"{new}{weight}"]}}, handler)


def _repeat_on(old: str) -> list[dict[str, Any]]:
    """Return routes that repeat a GET or HEAD on the running version, when the new one answered with an error."""
    return [
        {
            "match": [{"method": ["GET", "HEAD"]}],
            "handle": [
                {"handler": "vars", "first": "{http.reverse_proxy.upstream.hostport}"},
                _in_turn(old),
            ],
            "terminal": True,
        },
        {"handle": [{"handler": "copy_response"}]},
    ]


def _reduced(share: int, rest: int) -> tuple[int, int]:
    """Return the ratio in its smallest numbers, which makes the rounds of Caddy's round robin short."""
    for divisor in range(share, 1, -1):
        if share % divisor == 0 and rest % divisor == 0:
            return share // divisor, rest // divisor
    return share, rest


# The routes to the functions that are called from outside.

_WEBHOOKS = ("/v1/webhooks/*", "/api/v1/webhooks/*", "/webhook/woodpecker")
_API = ("/v1/*", "/api/v1/*", "/project", "/project/*", "/projects", "/projects/*")
_STREAM = ("/dashboard/stream",)
_DASHBOARD = ("/dashboard", "/dashboard/*", "/runtime/dashboard", "/runtime/dashboard/*")
_METRICS = ("/metrics",)
_BODY_BYTES = 26 * 1024 * 1024  # more than a webhook may have, so that the function itself refuses it
CERTIFIED = "/.certified"


def certified_route(folder: str) -> dict[str, Any]:
    """Return the route at which Caddy asks whether a host, `domain` in the query, may have a certificate."""
    allowed = {"match": [files(folder, "/{http.request.uri.query.domain}")], "handle": [_status(200)], "terminal": True}
    routes = [allowed, {"handle": [_status(403)]}]
    return {
        "match": [{"path": [CERTIFIED]}],
        "handle": [{"handler": "subroute", "routes": routes}],
        "terminal": True,
    }


def gateway_routes(functions: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the routes; `functions` is name -> URL.

    A request for a function that is restarting waits. A webhook is repeated even when the function died while
    it handled it, because a delivery may be sent twice.
    """
    routes = []
    if url := functions.get("verify-webhook"):
        repeated = {"retry_match": [{"path": list(_WEBHOOKS)}]}
        handler = proxy([urlsplit(url).netloc], load_balancing=repeated, request_buffers=_BODY_BYTES)
        routes.append({"match": [{"path": list(_WEBHOOKS)}], "handle": [handler], "terminal": True})
    others = {
        "manage-apps": _API,
        "stream-events": _STREAM,
        "dashboard": _DASHBOARD,
        "export-metrics": _METRICS,
    }
    for name, paths in others.items():
        if url := functions.get(name):
            handler = proxy([urlsplit(url).netloc])
            routes.append({"match": [{"path": list(paths)}], "handle": [handler], "terminal": True})
    nothing = {
        "handler": "static_response",
        "status_code": 404,
        "headers": {"Content-Type": ["text/plain; charset=utf-8"]},
        "body": GATEWAY,
    }
    return [*routes, {"handle": [nothing]}]


def _status(status: int) -> dict[str, Any]:
    return {"handler": "static_response", "status_code": status}


# The whole configuration.

_NO_ANSWER = {
    "handler": "static_response",
    "status_code": "{http.error.status_code}",
    "headers": {"Content-Type": ["text/plain; charset=utf-8"]},
    "body": NO_ANSWER,
}
FALLBACK_HOST = "localhost"
# Caddy inherits these sockets (see platform.listen). They stay open over a new configuration, so that connections in
# their queues are not cut off.
_APPS_SOCKET, _GATEWAY_SOCKET = "fd/3", "fd/4"
# How long a request in flight may take when Caddy stops; the platform does not wait that long for its own end.
_GRACE = "5m"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaddySettings:
    """Where Caddy listens on the loopback address, keeps its files, and looks up hosts."""

    admin_socket: str
    storage: str
    access_log: str
    hosts: str
    certified: str
    apps_port: int
    gateway_port: int


def caddy_config(weights: tuple[int, ...], caddy: CaddySettings, functions: Mapping[str, str]) -> dict[str, Any]:
    """Return the configuration; the `@id` of `apps.http` is its identity.

    `weights` are the percentages that new versions may get, `functions` is name -> URL.
    """
    config = {
        "admin": {"listen": f"unix/{caddy.admin_socket}"},
        "storage": {"module": "file_system", "root": caddy.storage},
        "logging": _logging(caddy),
        "apps": {"http": _http(weights, caddy, functions), "tls": _tls(caddy), "pki": _pki()},
    }
    config["apps"]["http"]["@id"] = identity(config)
    return config


def identity(config: dict[str, Any]) -> str:
    """Return a name of exactly this configuration, by which a running Caddy can be asked whether it has it."""
    http = {name: value for name, value in config["apps"]["http"].items() if name != "@id"}
    bare = {**config, "apps": {**config["apps"], "http": http}}
    return "slipway-" + hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()[:24]


def _http(weights: tuple[int, ...], caddy: CaddySettings, functions: Mapping[str, str]) -> dict[str, Any]:
    apps = {
        "listen": [_APPS_SOCKET],
        "protocols": ["h1", "h2"],
        "automatic_https": {"disable": True},
        "tls_connection_policies": [{"fallback_sni": FALLBACK_HOST}],
        "logs": {"default_logger_name": "apps"},
        "routes": app_routes(caddy.hosts, weights),
        "errors": {"routes": [{"handle": [_NO_ANSWER]}]},
    }
    gateway = {
        "listen": [_GATEWAY_SOCKET],
        "protocols": ["h1"],
        "automatic_https": {"disable": True},
        "routes": [certified_route(caddy.certified), *gateway_routes(functions)],
    }
    return {
        "http_port": caddy.gateway_port,
        "https_port": caddy.apps_port,
        "grace_period": _GRACE,
        "servers": {"apps": apps, "gateway": gateway},
    }


def _tls(caddy: CaddySettings) -> dict[str, Any]:
    internal = {"issuers": [{"module": "internal"}]}
    permission = {"module": "http", "endpoint": f"http://127.0.0.1:{caddy.gateway_port}{CERTIFIED}"}
    return {
        "certificates": {"automate": [FALLBACK_HOST]},
        "automation": {
            "policies": [{"subjects": [FALLBACK_HOST], **internal}, {"on_demand": True, **internal}],
            "on_demand": {"permission": permission},
        },
    }


def _pki() -> dict[str, Any]:
    return {"certificate_authorities": {"local": {"install_trust": False}}}


def _logging(caddy: CaddySettings) -> dict[str, Any]:
    # Headers may hold secrets, and the log must stay small: canaries read it.
    dropped = {field: {"filter": "delete"} for field in ("request>headers", "request>tls", "resp_headers")}
    return {
        "logs": {
            "default": {"level": "WARN", "exclude": ["http.log.access"]},
            "apps": {
                "include": ["http.log.access.apps"],
                "writer": {"output": "file", "filename": caddy.access_log, "roll_size_mb": 10, "roll_keep": 2},
                "encoder": {"format": "filter", "wrap": {"format": "json"}, "fields": dropped},
            },
        }
    }


_TIMEOUT_SECONDS = 10.0
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CaddyAdmin:
    """Caddy's admin API on its unix socket; every method may raise Unavailable."""

    socket: Path

    def load(self, config: dict[str, Any]) -> None:
        """Load a configuration instead of the current one."""
        status, body = self._request("POST", "/load", json.dumps(config))
        if status != _OK:
            msg = f"Caddy refuses its configuration ({status}): {body.decode(errors='replace')[:500]}"
            raise Unavailable(msg)

    def is_loaded(self, identity: str) -> bool:
        """Return whether the current configuration has this identity."""
        return self._request("GET", f"/id/{identity}")[0] == _OK

    def in_flight(self, upstream: str) -> int:
        """Return how many requests an upstream is handling now."""
        status, body = self._request("GET", "/reverse_proxy/upstreams")
        if status != _OK:
            return 0
        return sum(int(one["num_requests"]) for one in json.loads(body) or [] if one["address"] == upstream)

    def _request(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        connection = _UnixConnection(self.socket)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            msg = f"Caddy's admin socket {self.socket} does not answer"
            raise Unavailable(msg) from error
        finally:
            connection.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


_DRAFT = ".draft"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFiles:
    """Names that Caddy looks up: which environment a host leads to, and which hosts may have a certificate.

    `hosts`/HOST is a link to an environment's traffic folder, `certified`/HOST an empty file. `issued`/HOST is where
    Caddy keeps a certificate with its key; the certificate of the host `kept` is Caddy's own.
    """

    hosts: Path
    certified: Path
    issued: Path
    kept: str

    def set_hosts(self, wanted: Mapping[str, Path]) -> None:
        """Make exactly these hosts lead to these folders."""
        self.hosts.mkdir(parents=True, exist_ok=True)
        for name in _names(self.hosts) - wanted.keys():
            (self.hosts / name).unlink()
        for host, folder in wanted.items():
            folder.mkdir(parents=True, exist_ok=True)  # an empty folder: no version is live yet
            link = self.hosts / host
            if link.is_symlink() and link.readlink() == folder:
                continue
            draft = self.hosts / _DRAFT
            draft.unlink(missing_ok=True)
            draft.symlink_to(folder)
            draft.rename(link)

    def set_certified(self, wanted: set[str]) -> None:
        """Allow certificates of exactly these hosts, and delete the keys of others."""
        self.certified.mkdir(parents=True, exist_ok=True)
        known = _names(self.certified)
        for name in known - wanted:
            (self.certified / name).unlink()
        for host in wanted - known:
            (self.certified / host).touch()
        for name in _names(self.issued) - wanted - {self.kept} if self.issued.is_dir() else ():
            shutil.rmtree(self.issued / name, ignore_errors=True)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != _DRAFT}
