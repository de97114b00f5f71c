"""Caddy: its configuration, its admin API, and the files that say where each host leads."""

import hashlib
import http.client
import json
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from functions.common.errors import Unavailable

# What the ingress itself says, as plain text.

NO_APP = (
    "404: no app answers at this host.\n\n"
    "Apps answer at https://NAME.localhost:PORT/. `paas apps list` shows which there are;\n"
    "`paas apps create NAME` makes one, and a git push to it puts it here.\n"
)
NOT_LIVE = (
    "503: this app has no running version yet.\n\n"
    "Push to its repository, or see how the first release is doing: `paas releases APP`, `paas logs APP`.\n"
)
NO_ANSWER = (
    "{http.error.status_code}: the app did not answer.\n\n"
    "Its process may have crashed or be starting again; `paas logs APP` shows what it said.\n"
)
GATEWAY = (
    "404: nothing is here.\n\n"
    "Webhooks go to /v1/webhooks/ and the forge's name: forgejo, gitea, github, gitlab.\n"
    "The API is below /v1 and /api/v1.\n"
)


# Caddy's routes of all apps; pure. Which host leads where is read from file names: see hosts and traffic.

DEFAULT_WEIGHTS = (10, 25, 50)
_WHOLE = 100
_SLOTS = ("a", "b")
# A process that is starting again costs its requests waiting time, not an error.
_PATIENCE = {"try_duration": "10s", "try_interval": "50ms"}
# No connection to an app is kept: one that the app closes just then would lose a request.
_TRANSPORT = {"protocol": "http", "keep_alive": {"enabled": False}}
_HOST = "/{http.request.host}/"
# A file of an environment: traffic says what its name holds.
_NAMES = {"name": "to", "pattern": "/[0-9]+@([ab][0-9]*)@([^@/]*)@([^@/]*)$"}
_SPLIT, _DIALS = "{http.regexp.to.1}", {"a": "{http.regexp.to.2}", "b": "{http.regexp.to.3}"}
_TEXT = {"Content-Type": ["text/plain; charset=utf-8"]}


def app_routes(hosts: str, weights: tuple[int, ...]) -> list[dict[str, Any]]:
    """Return the routes; `hosts` is the folder of hosts, `weights` are the shares that a new version may get."""
    whole = [_only(slot) for slot in _SLOTS]
    shared = [_shared(slot, weight) for slot in _SLOTS for weight in weights if 0 < weight < _WHOLE]
    place = [
        {"handler": "log_append", "key": "upstream", "value": "{http.reverse_proxy.upstream.hostport}"},
        {"handler": "log_append", "key": "first", "value": "{http.vars.first}"},
        {"handler": "subroute", "routes": [*whole, *shared]},
    ]
    there = {"vars_regexp": {"{http.matchers.file.relative}": _NAMES}}
    not_live = _page(503, NOT_LIVE) | {"headers": {**_TEXT, "Retry-After": ["5"]}}
    inner = [{"match": [there], "handle": place, "terminal": True}, {"handle": [not_live]}]
    return [
        _route(files(hosts, f"{_HOST}*@*"), {"handler": "subroute", "routes": inner}),
        _route(files(hosts, _HOST), not_live),
        {"handle": [_page(404, NO_APP)]},
    ]


def proxy(dials: list[str], **options: Any) -> dict[str, Any]:  # noqa: ANN401 - Caddy's JSON
    """Return a handler that passes requests on, waiting for an upstream that does not take connections yet."""
    balancing = {**_PATIENCE, **options.pop("load_balancing", {})}
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
    """Return a matcher of a file by name; the folder's own name is taken as it is."""
    plain = "".join(f"\\{letter}" if letter in "*?[\\" else letter for letter in root)
    return {"file": {"root": plain, "try_files": [name]}}


def _route(match: dict[str, Any], handler: dict[str, Any]) -> dict[str, Any]:
    return {"match": [match], "handle": [handler], "terminal": True}


def _page(status: int, text: str) -> dict[str, Any]:
    return {"handler": "static_response", "status_code": status, "headers": _TEXT, "body": text}


def _only(slot: str) -> dict[str, Any]:
    return _route({"vars": {_SPLIT: [slot]}}, proxy([_DIALS[slot]]))


def _shared(new: str, weight: int) -> dict[str, Any]:
    old = "b" if new == "a" else "a"
    share, rest = _small(weight, _WHOLE - weight)
    handler = proxy(
        [_DIALS[new], _DIALS[old]],
        load_balancing={"selection_policy": {"policy": "weighted_round_robin", "weights": [share, rest]}},
        handle_response=[{"match": {"status_code": [5]}, "routes": _second_chance(old)}],
    )
    return _route({"vars": {_SPLIT: [f"{new}{weight}"]}}, handler)


def _second_chance(old: str) -> list[dict[str, Any]]:
    """Let the running version answer a request that may be repeated, when the new one errs on it."""
    return [
        {
            "match": [{"method": ["GET", "HEAD"]}],
            "handle": [
                {"handler": "vars", "first": "{http.reverse_proxy.upstream.hostport}"},
                proxy([_DIALS[old]]),
            ],
            "terminal": True,
        },
        {"handle": [{"handler": "copy_response"}]},
    ]


def _small(share: int, rest: int) -> tuple[int, int]:
    """Return the ratio in its smallest numbers: the rounds of Caddy's weights are then short."""
    for divisor in range(share, 1, -1):
        if share % divisor == 0 and rest % divisor == 0:
            return share // divisor, rest // divisor
    return share, rest


# Caddy's routes to the functions that are called from outside; pure.

_WEBHOOKS = ("/v1/webhooks/*", "/api/v1/webhooks/*", "/webhook/woodpecker")
_API = ("/v1/*", "/api/v1/*", "/project", "/project/*", "/projects", "/projects/*")
_BODY_BYTES = 26 * 1024 * 1024  # more than a webhook may have, so that the function itself says so
CERTIFIED = "/.certified"


def certified_route(folder: str) -> dict[str, Any]:
    """Return the route by which Caddy asks itself whether a host, `domain` in the query, may have a certificate."""
    may = {"match": [files(folder, "/{http.request.uri.query.domain}")], "handle": [_status(200)], "terminal": True}
    routes = [may, {"handle": [_status(403)]}]
    return {
        "match": [{"path": [CERTIFIED]}],
        "handle": [{"handler": "subroute", "routes": routes}],
        "terminal": True,
    }


def gateway_routes(functions: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the routes; `functions` is name -> URL.

    A function that is starting again costs waiting time. A delivery of a webhook may be sent twice,
    so that one is repeated even when the function died with it.
    """
    routes = []
    if url := functions.get("verify-webhook"):
        again = {"retry_match": [{"path": list(_WEBHOOKS)}]}
        handler = proxy([urlsplit(url).netloc], load_balancing=again, request_buffers=_BODY_BYTES)
        routes.append({"match": [{"path": list(_WEBHOOKS)}], "handle": [handler], "terminal": True})
    if url := functions.get("manage-apps"):
        routes.append({"match": [{"path": list(_API)}], "handle": [proxy([urlsplit(url).netloc])], "terminal": True})
    nothing = {
        "handler": "static_response",
        "status_code": 404,
        "headers": {"Content-Type": ["text/plain; charset=utf-8"]},
        "body": GATEWAY,
    }
    return [*routes, {"handle": [nothing]}]


def _status(status: int) -> dict[str, Any]:
    return {"handler": "static_response", "status_code": status}


# Caddy's whole configuration, from what is wanted; pure.

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


# Caddy's admin API, on its unix socket.

_TIMEOUT_SECONDS = 10.0
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CaddyAdmin:
    """Loads configurations; every method may raise Unavailable."""

    socket: Path

    def load(self, config: dict[str, Any]) -> None:
        """Replace the whole configuration."""
        status, body = self._request("POST", "/load", json.dumps(config))
        if status != _OK:
            msg = f"Caddy refuses its configuration ({status}): {body.decode(errors='replace')[:500]}"
            raise Unavailable(msg)

    def has(self, identity: str) -> bool:
        """Return whether the configuration with this @id is the one that runs."""
        return self._request("GET", f"/id/{identity}")[0] == _OK

    def in_flight(self, upstream: str) -> int:
        """Return how many requests an upstream is answering now."""
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


# Which hosts lead to which environment, and which may have a certificate, as names that Caddy looks up.

_DRAFT = ".draft"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFiles:
    """`hosts`/HOST leads to an environment's folder of traffic; `certified`/HOST is an empty file.

    `issued`/HOST is where Caddy keeps a certificate with its key; that of the host `kept` is Caddy's own.
    """

    hosts: Path
    certified: Path
    issued: Path
    kept: str

    def lead(self, wanted: Mapping[str, Path]) -> None:
        """Let exactly these hosts lead to these folders."""
        self.hosts.mkdir(parents=True, exist_ok=True)
        for name in _names(self.hosts) - wanted.keys():
            (self.hosts / name).unlink()
        for host, folder in wanted.items():
            folder.mkdir(parents=True, exist_ok=True)  # empty: no version runs there yet
            link = self.hosts / host
            if link.is_symlink() and link.readlink() == folder:
                continue
            draft = self.hosts / _DRAFT
            draft.unlink(missing_ok=True)
            draft.symlink_to(folder)
            draft.rename(link)

    def certify(self, wanted: set[str]) -> None:
        """Let exactly these hosts have certificates, and keep no key of another."""
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
