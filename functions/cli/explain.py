"""paas explain: what happened to a push, and why."""

import time
from collections.abc import Iterator

import click

from functions.cli.client import FAILED, NOT_FOUND, NOT_REACHABLE, Client, Failure, Json, poll, quoted
from functions.cli.context import Session, json_option
from functions.cli.output import colored, duration, local_time, one_line, print_json, short_sha

_PAUSE = 0.5


@click.command()
@click.argument("push", metavar="SHA")
@click.option(
    "--wait", "--follow", "wait", is_flag=True, help="Wait until the state is final; exit 0 only when it is live."
)
@click.option("--timeout", default=900.0, show_default=True, type=click.FloatRange(min=0), help="Seconds to wait.")
@json_option
@click.pass_obj
def explain(session: Session, push: str, timeout: float, *, wait: bool, as_json: bool) -> None:
    """Explain what happened to a pushed commit, step by step, and why."""
    client = session.client()
    seen, found = set[str](), Json()
    for found in _states(client, push, timeout) if wait else iter([client.get(f"/pushes/{quoted(push)}")]):
        if not as_json:
            _print_new_lines(found, seen)
    if as_json:
        print_json(found)
    else:
        _print_verdict(found)
    if wait and not found["final"]:
        msg = f"not final after {timeout:g} s: wait on with `paas explain {push} --wait`"
        raise Failure(msg)
    if wait and found["state"] != "live":
        raise SystemExit(FAILED)


def _states(client: Client, push: str, timeout: float) -> Iterator[Json]:
    """Yield explanations until one is final or the time is up. Raises the last failure when there was none."""
    end, last = time.monotonic() + timeout, None
    for _ in poll(_PAUSE):
        try:
            found = client.get(f"/pushes/{quoted(push)}")
        except Failure as error:
            # The webhook may not have arrived yet, or the server is starting.
            if error.exit_code not in {NOT_FOUND, NOT_REACHABLE}:
                raise
            failure = error
        else:
            last = found
            yield found
            if found["final"]:
                return
        if time.monotonic() >= end and last is None:
            raise failure
        if time.monotonic() >= end:
            return


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
            yield from (f"    {line}" for line in map(_step, app["steps"]))


def _step(step: Json) -> str:
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
            name = "/".join(filter(None, (app["app"], app["environment"]))) or short_sha(push["sha"])
            reason = f": {one_line(app['reason'])}" if app["reason"] and app["state"] != "live" else ""
            where = f" at {app['url']}" if app["url"] else ""
            click.echo(f"{name} is {colored(app['state'])}{where}{reason} ({duration(app['seconds'])})")
            for tail in [step["details"]["log_tail"] for step in app["steps"] if "log_tail" in step["details"]][-1:]:
                click.echo("  the log ends with:")
                for line in tail.splitlines():
                    click.echo(f"    {one_line(line)}")
    if not found["pushes"]:
        click.echo(f"{colored(found['state'])}: {one_line(found['reason'])}")
