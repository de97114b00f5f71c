"""Follows the releases that a change makes, to their ends."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import TypeVar, cast

import click

from functions.cli.client import FAILED, Client, Failure, Json, poll, quoted
from functions.cli.output import one_line

_PAUSE = 0.5
_LIVE = frozenset({"live", "retired"})
_FAILED = frozenset({"failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """How long a command follows what it began; 0 seconds for not at all."""

    seconds: int


F = TypeVar("F", bound=Callable[..., object])


def wait_options(command: F) -> F:
    """Add --no-wait and --timeout, as the argument `wait`."""

    @wraps(command)
    def waiting(*arguments: object, is_waited: bool, timeout: int, **options: object) -> object:
        return command(*arguments, wait=Wait(seconds=timeout if is_waited else 0), **options)

    limit = click.option(
        "--timeout", default=1800, show_default=True, type=click.IntRange(1), help="How many seconds to wait."
    )
    switch = click.option(
        "--wait/--no-wait",
        "is_waited",
        default=True,
        help="Return when the release is live, or failed; at once otherwise.",
    )
    return switch(limit(cast("F", waiting)))


def newest_releases(client: Client, app: str, scope: str) -> dict[str, int]:
    """Return environment -> number of its newest release, for the environments that a change of this scope releases."""
    found = dict[str, int]()
    for environment in client.get(f"/apps/{quoted(app)}/environments")["items"]:
        is_in_scope = (environment["name"] == "production") == (scope == "production")
        if environment["state"] != "open" or not is_in_scope:
            continue
        newest = _newest(client, app, environment["name"])
        if newest and (environment["release"] or newest["state"] == "started"):
            found[environment["name"]] = newest["number"]
    return found


def follow_releases(client: Client, app: str, before: Mapping[str, int], *, seconds: int, quiet: bool) -> list[Json]:
    """Return for each environment the newer release that went live; `quiet` prints nothing of it.

    Raises Failure with the reason when one failed, or none ended in time.
    """
    until, ended = time.monotonic() + seconds, dict[str, Json]()
    for _ in poll(_PAUSE):
        for environment in before.keys() - ended.keys():
            newest = _newest(client, app, environment)
            if newest and newest["number"] > before[environment] and newest["state"] in _LIVE | _FAILED:
                ended[environment] = newest
                if newest["state"] in _LIVE and not quiet:
                    click.echo(f"live: release v{newest['number']} of {app}/{environment}")
        if len(ended) == len(before):
            break
        if time.monotonic() > until:
            waiting = ", ".join(f"{app}/{environment}" for environment in sorted(before.keys() - ended.keys()))
            msg = f"{waiting} has no live release with this after {seconds} s: see `paas releases --app {app}`"
            raise Failure(msg, FAILED)
    _check(app, ended.items())
    return [_view(environment, one) for environment, one in sorted(ended.items())]


def _check(app: str, ended: Iterable[tuple[str, Json]]) -> None:
    failures = [
        f"release v{one['number']} of {app}/{environment} failed: "
        + ": ".join(one_line(text) for text in (one["step"], one["reason"]) if text)
        for environment, one in sorted(ended)
        if one["state"] in _FAILED
    ]
    if failures:
        msg = f"{'; '.join(failures)}; what ran before still runs: see `paas logs --app {app}`"
        raise Failure(msg, FAILED)


def _view(environment: str, release: Json) -> Json:
    return {"environment": environment, "release": release["number"], "state": "live"}


def _newest(client: Client, app: str, environment: str) -> Json | None:
    found = client.get(f"/apps/{quoted(app)}/releases", environment=environment, limit=1)["items"]
    return found[0] if found else None
