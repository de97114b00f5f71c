"""paas builds: the queue of builds, their logs, and how to cancel one."""

import time

import click

from functions.cli.client import NOT_FOUND, USAGE, Client, Failure, Json, poll, quoted
from functions.cli.context import Session, app_option, chosen_app, json_option
from functions.cli.logs import print_build
from functions.cli.output import duration, local_time, one_line, print_json, print_table, short_sha

_PAUSE = 0.5
_END_SECONDS = 60.0  # a build that runs ends when its processes have; a pod may take half a minute
_OPEN = frozenset({"queued", "running"})
_build_option = click.option("--build", default="", metavar="NAME", help="The build; by default the newest.")


@click.group()
def builds() -> None:
    """List builds and the queue, read their logs, cancel them."""


@builds.command("list")
@click.argument("name", required=False)
@app_option
@click.option("--environment", default="", help="Only those of one environment: production or a preview.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many, newest first.")
@json_option
@click.pass_obj
def list_(session: Session, name: str | None, app: str | None, environment: str, limit: int, *, as_json: bool) -> None:
    """List the builds of an app, newest first; those that wait with their position. NAME is the app, like --app."""
    path = f"/apps/{quoted(chosen_app(app or name))}/builds"
    found = session.client().items(path, most=limit, environment=environment)
    if as_json:
        print_json(found)
        return
    headings = ("BUILD", "ENVIRONMENT", "COMMIT", "STATE", "ORDERED", "TOOK", "NOTE")
    print_table(headings, [_row(build) for build in found], empty="no builds yet: push a commit with `paas push`")


@builds.command()
@click.argument("name", required=False)
@app_option
@_build_option
@click.option("--tail", is_flag=True, help="Follow until the build ends, across broken connections.")
@json_option
@click.pass_obj
def logs(session: Session, name: str | None, app: str | None, build: str, *, tail: bool, as_json: bool) -> None:
    """Show the log of a build; NAME is the app, like --app."""
    client = session.client()
    reason = print_build(client, build or _newest(client, chosen_app(app or name)), tail=tail, as_json=as_json)
    click.echo(f"=====> end of the log: {reason}", err=True)


@builds.command()
@click.argument("name", required=False)
@app_option
@click.option("--build", default="", metavar="NAME", help="The build; by default the only one that waits or runs.")
@click.option("--wait/--no-wait", default=True, help="Return when the push has ended; at once otherwise.")
@json_option
@click.pass_obj
def cancel(session: Session, name: str | None, app: str | None, build: str, *, wait: bool, as_json: bool) -> None:
    """Cancel a build that waits or runs: its push fails, and what runs keeps running. NAME is the app, like --app."""
    client = session.client()
    chosen = build or _only_open(client, chosen_app(app or name))
    answer = client.send("DELETE", f"/builds/{quoted(chosen)}")
    ended = _ended_push(client, answer) if wait else Json()
    if as_json:
        print_json({**answer, "state": ended.get("state", ""), "reason": ended.get("reason", "")})
        return
    where = f"{answer['app']}/{answer['environment']}"
    click.echo(f"cancelling the build {chosen} of {where}")
    if ended:
        click.echo(f"{where} is {ended['state']}: {one_line(ended['reason'])}; what ran before runs on")


def _row(build: Json) -> tuple[str, ...]:
    return (
        build["name"],
        build["environment"],
        short_sha(build["sha"]),
        build["state"],
        local_time(build["started_at"]),
        duration(build["seconds"]),
        ": ".join(text for text in (build["step"], build["reason"]) if text),
    )


def _newest(client: Client, app: str) -> str:
    found = client.get(f"/apps/{quoted(app)}/builds", limit=1)["items"]
    if not found:
        msg = f"{app} has no builds yet: push a commit with `paas push`"
        raise Failure(msg, NOT_FOUND)
    return str(found[0]["name"])


def _only_open(client: Client, app: str) -> str:
    found = [one["name"] for one in client.get(f"/apps/{quoted(app)}/builds")["items"] if one["state"] in _OPEN]
    if not found:
        msg = f"no build of {app} waits or runs: see `paas builds list --app {app}`"
        raise Failure(msg, NOT_FOUND)
    if len(found) > 1:
        msg = f"{len(found)} builds of {app} wait or run: choose one by --build: {', '.join(found)}"
        raise Failure(msg, USAGE)
    return str(found[0])


def _ended_push(client: Client, cancelled: Json) -> Json:
    """Wait until the push of a cancelled build has ended in its app; return that, nothing when it takes too long."""
    end = time.monotonic() + _END_SECONDS
    for _ in poll(_PAUSE):
        found = client.get(f"/pushes/{quoted(cancelled['push'])}")
        apps = [app for push in found["pushes"] for app in push["apps"] if app["app"] == cancelled["app"]]
        if apps and apps[-1]["final"]:
            return Json(apps[-1])
        if time.monotonic() > end:
            break
    return Json()
