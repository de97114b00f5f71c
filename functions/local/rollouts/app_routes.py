"""Caddy's routes of all apps; pure. Which host leads where is read from file names: see hosts and traffic."""

from typing import Any

from functions.local.rollouts.pages import NO_APP, NOT_LIVE

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
