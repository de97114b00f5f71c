"""paas logs: builds and processes together, or one build."""

from contextlib import suppress

import click

from functions.cli.client import Client, Json, poll, quoted
from functions.cli.context import Session, app_option, chosen_app, environment_option, json_option
from functions.cli.output import one_line, print_json_line

_PAUSE = 1.0


@click.command()
@click.argument("name", required=False)
@app_option
@environment_option
@click.option("--tail", is_flag=True, help="Follow until Ctrl-C, across broken connections.")
@click.option("--build", default="", metavar="NAME", help="Only this build's log; --tail then ends with the build.")
@json_option
@click.pass_obj
def logs(
    session: Session, name: str | None, app: str | None, environment: str, build: str, *, tail: bool, as_json: bool
) -> None:
    """Show the log of the newest build and of the app's processes; NAME is the app, like --app.

    With --json each line is one JSON document {"source", "text"}.
    """
    reason = "interrupted"
    with suppress(KeyboardInterrupt):
        if build:
            reason = print_build(session.client(), build, tail=tail, as_json=as_json)
        else:
            reason = _combined(session, chosen_app(app or name), environment, tail=tail, as_json=as_json)
    click.echo(f"=====> end of the log: {reason}", err=True)


def _combined(session: Session, app: str, environment: str, *, tail: bool, as_json: bool) -> str:
    path, cursor = f"/apps/{quoted(app)}/logs", ""
    client = session.client()
    for _ in poll(_PAUSE):
        read = client.follow if tail and cursor else client.get
        answer = read(path, environment=environment, cursor=cursor)
        while answer["lines"]:
            for line in answer["lines"]:
                _print(line, as_json=as_json)
            cursor = answer["cursor"]
            answer = (client.follow if tail else client.get)(path, environment=environment, cursor=cursor)
        cursor = answer["cursor"]
        if not tail:
            break
    return "no more lines yet (follow with --tail)"


def print_build(client: Client, build: str, *, tail: bool, as_json: bool) -> str:
    """Print the log of a build, with `tail` until it ends; return why there are no more lines."""
    path, offset, waits = f"/builds/{quoted(build)}/log", 0, ""
    for _ in poll(_PAUSE):
        while True:
            answer = (client.follow if tail and offset else client.get)(path, offset=offset)
            for text in answer["text"].splitlines():
                _print({"source": f"build[{build}]", "text": text}, as_json=as_json)
            offset = answer["next_offset"]
            if answer["ended"] or not answer["text"]:
                break
        if answer["ended"]:
            return f"the build {answer['state'] if answer['state'] != 'running' else 'has ended'}"
        if answer["state"] == "queued" and answer["reason"] != waits:
            waits = answer["reason"]
            click.echo(f"the build is queued: {one_line(waits)}", err=True)
        if not tail:
            break
    return f"the build is {answer['state']} (follow it with --tail)"


def _print(line: Json, *, as_json: bool) -> None:
    if as_json:
        print_json_line(line)
    else:
        click.echo(f"{line['source']}: {indented_line(line['text'])}")


def indented_line(text: str) -> str:
    """Return the text with its indentation but without control characters."""
    body = text.lstrip(" ")
    return " " * (len(text) - len(body)) + one_line(body)
