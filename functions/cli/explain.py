"""paas explain: what happened to a push, and why."""

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta

import click

from functions.cli.client import FAILED, NOT_FOUND, NOT_REACHABLE, Client, Failure, Json, poll, quoted
from functions.cli.context import REMOTE, Session, app_option, chosen_app, commit_of_clone, json_option
from functions.cli.output import colored, duration, local_time, one_line, print_json, short_sha
from functions.cli.releases import not_started

_PAUSE = 0.5
_HEX = re.compile(r"^[0-9a-fA-F]+\Z")
_ID = re.compile(r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)


@click.command()
@click.argument("push", metavar="[COMMIT]", required=False)
@app_option
@click.option(
    "--wait", "--follow", "wait", is_flag=True, help="Wait until the state is final; exit 0 only when it is live."
)
@click.option("--timeout", default=900.0, show_default=True, type=click.FloatRange(min=0), help="Seconds to wait.")
@json_option
@click.pass_obj
def explain(session: Session, push: str | None, app: str | None, timeout: float, *, wait: bool, as_json: bool) -> None:
    """Explain what happened to a push, step by step, and why.

    COMMIT is a sha or its first characters, HEAD, a tag or a branch of this clone, the id of a push, or a branch whose
    newest push is meant. Without it the newest push of the app is explained.
    """
    client = session.client()
    known = found_push(client, push or "", app)
    seen, found = set[str](), Json()
    for found in states(client, known, timeout) if wait else iter([client.get(f"/pushes/{quoted(known)}")]):
        if not as_json:
            _print_new_lines(found, seen)
    if as_json:
        print_json(found)
    else:
        _print_verdict(found)
        print_not_started(client, [app for push in found["pushes"] for app in push["apps"]])
    if wait and not found["final"]:
        msg = f"not final after {timeout:g} s: wait on with `paas explain {push or known} --wait`"
        raise Failure(msg)
    if wait and found["state"] != "live":
        raise SystemExit(FAILED)


def print_not_started(client: Client, apps: Iterable[Json]) -> None:
    """Name the processes that a person who pushed may miss, as they run only when they are scaled."""
    live = {(app["app"], app["environment"]) for app in apps if app["url"]}
    for name, environment in sorted(live):
        with suppress(Failure):  # it was deleted meanwhile
            status = client.get(f"/apps/{quoted(name)}/deploy/status", environment=environment)
            for line in not_started(status["processes"]):
                click.echo(line)


def found_push(client: Client, text: str, app: str | None) -> str:
    """Return the sha or the id of a push: of a commit that git knows here, or of the newest push. Raises Failure."""
    if commit := commit_of_clone(text) if text and not _ID.match(text) else "":
        return commit
    if _ID.match(text) or _HEX.match(text):
        return text
    name = chosen_app(app)
    branch = text.removeprefix("refs/heads/")
    pushes = client.get(f"/apps/{quoted(name)}/pushes", limit=1, **({"branch": branch} if branch else {}))["items"]
    if pushes:
        return str(pushes[0]["id"])
    msg = (
        f"{name} has no push of a branch {branch!r}, and git knows no commit of this name here"
        if branch
        else f"{name} has no pushes yet: deploy with `git push {REMOTE} main`"
    )
    raise Failure(msg, NOT_FOUND)


def states(client: Client, push: str, timeout: float) -> Iterator[Json]:
    """Yield explanations until one is final or the time is up. Raises Failure when no push became known.

    What is known of pushes of deleted apps alone is not what the caller waits for, unless it was deleted meanwhile.
    """
    end, last, said = time.monotonic() + timeout, Json(), ""
    for _ in poll(_PAUSE):
        found, problem = _look(client, push)
        if found and (last or not _is_of_deleted_apps(found)):
            last = found
            yield found
            if found["final"]:
                return
        elif not last and problem != said:
            said = problem
            until = datetime.now().astimezone() + timedelta(seconds=max(0.0, end - time.monotonic()))
            click.echo(f"{problem}; waiting until {until:%H:%M:%S}", err=True)
        if time.monotonic() >= end:
            break
    if not last:
        msg = f"{said}, after {timeout:g} s: check that it was pushed and, at the forge, that its webhook was delivered"
        raise Failure(msg, NOT_FOUND)


def _look(client: Client, push: str) -> tuple[Json, str]:
    """Return the explanation of a push, and in words what is missing when there is none."""
    what = f"commit {short_sha(push)}" if _HEX.match(push) else f"push {push}"
    try:
        found = client.get(f"/pushes/{quoted(push)}")
    except Failure as error:
        if error.exit_code == NOT_REACHABLE:
            return Json(), f"the server does not answer ({error.message})"
        if error.exit_code != NOT_FOUND:
            raise
        return Json(), f"no push of {what} is known yet"
    return found, f"no push of {what} is known yet but to an app that was deleted since"


def _is_of_deleted_apps(found: Json) -> bool:
    apps = [app for push in found["pushes"] for app in push["apps"]]
    return bool(apps) and all(app["deleted"] for app in apps)


def _print_new_lines(found: Json, seen: set[str]) -> None:
    """Print the lines that were not printed before."""
    for line in _lines(found):
        if line not in seen:
            seen.add(line)
            click.echo(line)


def _lines(found: Json) -> Iterator[str]:
    for delivery in found["deliveries"]:
        unsent = "" if delivery["published"] or delivery["outcome"] != "accepted" else ", not published yet"
        reason = f": {delivery['reason']}" if delivery["reason"] else ""
        when, what = local_time(delivery["received_at"]), f"{delivery['provider']} {delivery['kind']}"
        yield one_line(f"{when}  delivery {delivery['delivery']} ({what}) {delivery['outcome']}{unsent}{reason}")
    for push in found["pushes"]:
        said = f"  {push['message'].splitlines()[0]}" if push["message"] else ""
        yield f"push {short_sha(push['sha'])} {one_line(push['ref'] + said)}".rstrip()
        for app in push["apps"]:
            name = "/".join(filter(None, (app["app"], app["environment"]))) or "no app"
            yield f"  {name}"
            yield from (f"    {line}" for line in map(step_line, app["steps"]))


def step_line(step: Json) -> str:
    """Return a step of a push as one line."""
    details = step["details"]
    about = [f"at {details['at']}"] if details.get("at") else []
    about += [f"{key} {details[key]}" for key in ("release", "build", "url", "host") if details.get(key)]
    about += [f"{details['weight']} %"] if details.get("weight") else []
    said = f"{step['step']} {colored(step['state'])}"
    reason = f": {one_line(step['reason'])}" if step["reason"] else ""
    return f"{local_time(step['at'])}  {said}{reason}{'  (' + ', '.join(about) + ')' if about else ''}"


def _print_verdict(found: Json) -> None:
    for push in found["pushes"]:
        for app in push["apps"]:
            print_verdict(app, short_sha(push["sha"]))
    if not found["pushes"]:
        click.echo(f"{colored(found['state'])}: {one_line(found['reason'])}")


def print_verdict(app: Json, commit: str = "") -> None:
    """Print what became of a push in one app, and the end of the log when that says why."""
    name = "/".join(filter(None, (app["app"], app["environment"]))) or commit
    reason = f": {one_line(app['reason'])}" if app["reason"] and app["state"] != "live" else ""
    where = f" at {app['url']}" if app["url"] else ""
    click.echo(f"{name} is {colored(app['state'])}{where}{reason} ({duration(app['seconds'])})")
    for tail in [step["details"]["log_tail"] for step in app["steps"] if "log_tail" in step["details"]][-1:]:
        click.echo("  the log ends with:")
        for line in tail.splitlines():
            click.echo(f"    {one_line(line)}")
