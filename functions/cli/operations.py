"""paas deploy, undeploy, restart, scale, limits and open: what is done to a running app without a push."""

import time
import webbrowser
from typing import Any

import click

from functions.cli.client import FAILED, USAGE, Client, Failure, Json, poll, quoted
from functions.cli.context import Session, app_option, chosen_app, environment_option, json_option
from functions.cli.output import print_fields, print_json, short_sha

_PAUSE = 0.5
_FINAL = frozenset({"live", "failed", "superseded", "ignored", "retired"})
_WAIT = click.option("--wait/--no-wait", default=True, help="Return when it is live, or failed; at once otherwise.")
_LIMIT = click.option(
    "--timeout", default=1800, show_default=True, type=click.IntRange(1), help="How many seconds to wait."
)


@click.command()
@click.argument("name", required=False)
@click.option("--image", default="", metavar="REF", help="An image that was built elsewhere: NAME:TAG or NAME@DIGEST.")
@click.option("--port", type=click.IntRange(1, 65535), help="The port that the image listens on.")
@app_option
@environment_option
@_WAIT
@_LIMIT
@json_option
@click.pass_obj
def deploy(
    session: Session,
    name: str | None,
    *,
    image: str,
    port: int | None,
    app: str | None,
    environment: str,
    wait: bool,
    timeout: int,
    as_json: bool,
) -> None:
    """Deploy the newest commit without a push, or an image; NAME is the app, like --app."""
    fields: dict[str, Any] = {"environment": environment, "image": image, "port": port or 0}
    deploy_app(session.client(), chosen_app(app or name), fields, timeout=timeout if wait else 0, as_json=as_json)


def deploy_app(client: Client, app: str, fields: Json, *, timeout: int, as_json: bool) -> None:
    """Request a deployment, wait for its end up to `timeout` seconds (0: not at all), and print it."""
    path = f"/apps/{quoted(app)}"
    before = client.get(f"{path}/releases", environment=fields["environment"], limit=1)["items"]
    answer = client.send("POST", f"{path}/deploy", {key: value for key, value in fields.items() if value})
    what = f"commit {short_sha(answer['sha'])}" if answer["sha"] else f"{answer['image']}@{answer['digest']}"
    if not as_json:
        click.echo(f"deploying {what} to {answer['app']}/{answer['environment']}", err=bool(timeout))
    if timeout:
        number = before[0]["number"] if before else 0
        answer |= _wait(client, answer, after=number, seconds=timeout)
    if as_json:
        print_json(answer)
    elif timeout:
        click.echo(f"live: {answer['url']}")
    else:
        click.echo(f"follow it with `paas ps --app {app}` or `paas logs --app {app} --tail`")


def _wait(client: Client, answer: Json, *, after: int, seconds: int) -> Json:
    """Return the state and the release of a deployment that went live. Raises Failure with the reason otherwise."""
    until = time.monotonic() + seconds
    for _ in poll(_PAUSE):
        found = _ended(client, answer, after)
        if found and found["state"] in {"live", "retired"}:
            return {"state": "live", "release": found.get("number") or found.get("release")}
        if found:
            why = ": ".join(text for text in (found["step"], found["reason"]) if text)
            advice = f"see `paas releases --app {answer['app']}` and `paas logs --app {answer['app']}`"
            msg = f"{answer['app']} was not deployed: {found['state']}, {why}; {advice}"
            raise Failure(msg, FAILED)
        if time.monotonic() > until:
            break
    msg = f"{answer['app']} is not live after {seconds} s and goes on: see `paas releases --app {answer['app']}`"
    raise Failure(msg, FAILED)


def _ended(client: Client, answer: Json, after: int) -> Json | None:
    """Return how the push or the release of a deployment ended, None while it goes on."""
    if not answer["digest"]:
        try:
            pushes = client.get(f"/pushes/{quoted(answer['event'])}")["pushes"]
        except Failure:  # it is not recorded yet
            return None
        apps = [one for push in pushes for one in push["apps"] if one["app"] == answer["app"] and one["final"]]
        return apps[0] if apps else None
    path = f"/apps/{quoted(answer['app'])}/releases"
    found = client.get(path, environment=answer["environment"], limit=20)["items"]
    newer = [one for one in found if one["number"] > after and one["digest"] == answer["digest"]]
    return newer[-1] if newer and newer[-1]["state"] in _FINAL else None


@click.command()
@click.argument("name", required=False)
@app_option
@environment_option
@json_option
@click.pass_obj
def undeploy(session: Session, name: str | None, app: str | None, environment: str, *, as_json: bool) -> None:
    """Stop an app and keep everything else; `paas deploy` or a push runs it again. NAME is the app, like --app."""
    chosen = chosen_app(app or name)
    answer = session.client().send("DELETE", f"/apps/{quoted(chosen)}/deploy", query={"environment": environment})
    if as_json:
        print_json(answer)
        return
    click.echo(f"{answer['app']}/{answer['environment']} is being stopped: `paas deploy --app {chosen}` runs it again")


@click.command()
@click.argument("name", required=False)
@app_option
@environment_option
@json_option
@click.pass_obj
def restart(session: Session, name: str | None, app: str | None, environment: str, *, as_json: bool) -> None:
    """Replace all processes by new ones without losing a request; NAME is the app, like --app."""
    chosen = chosen_app(app or name)
    answer = session.client().send("POST", f"/apps/{quoted(chosen)}/restart", {"environment": environment})
    if as_json:
        print_json(answer)
        return
    click.echo(f"restarting {answer['app']}/{answer['environment']}: see `paas ps --app {chosen}`")


@click.command()
@click.argument("pairs", nargs=-1, required=True, metavar="PROCESS=NUMBER...")
@app_option
@environment_option
@json_option
@click.pass_obj
def scale(session: Session, pairs: tuple[str, ...], app: str | None, environment: str, *, as_json: bool) -> None:
    """Run another number of processes: `paas scale web=3 worker=1`."""
    processes = dict(_number(pair) for pair in pairs)
    path = f"/apps/{quoted(chosen_app(app))}/scale"
    answer = session.client().send("POST", path, {"environment": environment, "processes": processes})
    if as_json:
        print_json(answer)
        return
    said = ", ".join(f"{name}={number}" for name, number in answer["processes"].items())
    state = "is being scaled to" if answer["event"] else "has already"
    click.echo(f"{answer['app']}/{answer['environment']} {state} {said}: see `paas ps`")


def _number(pair: str) -> tuple[str, int]:
    process, equals, number = pair.partition("=")
    if not (process and equals and number.isascii() and number.isdigit()):
        msg = f"{pair!r} is not of the form PROCESS=NUMBER, such as web=3"
        raise Failure(msg, USAGE)
    return process, int(number)


@click.command()
@click.option("--cpu", metavar="CORES", help="Such as 500m or 2; `default` for the platform's default.")
@click.option("--memory", metavar="AMOUNT", help="Such as 512Mi or 2Gi; `default` for the platform's default.")
@click.option("--port", metavar="PORT", help="The port that the web process listens on; `default` for $PORT's default.")
@app_option
@json_option
@click.pass_obj
def limits(
    session: Session, cpu: str | None, memory: str | None, port: str | None, app: str | None, *, as_json: bool
) -> None:
    """Show what each process may use, or change it: what runs gets a new release."""
    path = f"/apps/{quoted(chosen_app(app))}/limits"
    given: dict[str, Any] = {"cpu": cpu, "memory": memory}
    changes = {name: "" if value == "default" else value for name, value in given.items() if value is not None}
    if port is not None:
        changes["port"] = _port(port)
    answer = session.client().send("PATCH", path, changes) if changes else session.client().get(path)
    if as_json:
        print_json(answer)
        return
    shown = {name: answer[name] or "default" for name in ("cpu", "memory", "port")}
    print_fields({"app": answer["app"], **shown})
    for note in answer["notes"]:
        click.echo(f"note: {note}", err=True)


def _port(text: str) -> int:
    if text == "default":
        return 0
    if not (text.isascii() and text.isdigit()):
        msg = f"--port {text!r} is not a port: give a number from 1 to 65535, or `default`"
        raise Failure(msg, USAGE)
    return int(text)


@click.command("open")
@click.argument("name", required=False)
@app_option
@environment_option
@click.pass_obj
def open_(session: Session, name: str | None, app: str | None, environment: str) -> None:
    """Open the app in the browser, and print its URL; NAME is the app, like --app."""
    chosen = chosen_app(app or name)
    found = session.client().get(f"/apps/{quoted(chosen)}/deploy/status", environment=environment)
    click.echo(found["url"])
    if found["status"] not in {"running", "pending"}:
        click.echo(f"nothing runs there: deploy it with `paas deploy --app {chosen}` or a push", err=True)
    webbrowser.open(found["url"])


@click.command()
@click.argument("switch", type=click.Choice(["on", "off"]))
@app_option
@environment_option
@json_option
@click.pass_obj
def maintenance(session: Session, switch: str, app: str | None, environment: str, *, as_json: bool) -> None:
    """Show visitors a page with 503 and Retry-After while what runs keeps running, or the app again."""
    body = {"on": switch == "on", "environment": environment}
    answer = session.client().send("PUT", f"/apps/{quoted(chosen_app(app))}/maintenance", body)
    if as_json:
        print_json(answer)
        return
    click.echo(f"the maintenance page of {answer['app']}/{answer['environment']} is {switch}")
