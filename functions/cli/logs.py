"""paas logs: builds and processes together, or one build."""

from contextlib import suppress

import click

from functions.cli.client import Json, every, part
from functions.cli.context import Session, app_option, chosen_app, environment_option, json_option
from functions.cli.output import one_line, print_json_line

_PAUSE = 1.0


@click.command()
@click.argument("name", required=False)
@app_option
@environment_option
@click.option("--tail", is_flag=True, help="Go on as lines are written, through broken connections, until Ctrl-C.")
@click.option("--build", default="", metavar="NAME", help="Only this build's log; --tail then ends when it does.")
@json_option
@click.pass_obj
def logs(
    session: Session, name: str | None, app: str | None, environment: str, build: str, *, tail: bool, as_json: bool
) -> None:
    """Show the log of the newest build and what the app's processes write; NAME is the app, as --app.

    With --json each line is one JSON document {"source", "text"}.
    """
    reason = "interrupted"
    with suppress(KeyboardInterrupt):
        if build:
            reason = _build(session, build, tail=tail, as_json=as_json)
        else:
            reason = _combined(session, chosen_app(app or name), environment, tail=tail, as_json=as_json)
    click.echo(f"=====> end of the log: {reason}", err=True)


def _combined(session: Session, app: str, environment: str, *, tail: bool, as_json: bool) -> str:
    path, cursor = f"/apps/{part(app)}/logs", ""
    client = session.client()
    for _ in every(_PAUSE):
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
    return "nothing more is written so far (--tail goes on)"


def _build(session: Session, build: str, *, tail: bool, as_json: bool) -> str:
    path, offset, client = f"/builds/{part(build)}/log", 0, session.client()
    for _ in every(_PAUSE):
        while True:
            answer = (client.follow if tail and offset else client.get)(path, offset=offset)
            for text in answer["text"].splitlines():
                _print({"source": f"build[{build}]", "text": text}, as_json=as_json)
            offset = answer["next_offset"]
            if answer["ended"] or not answer["text"]:
                break
        if answer["ended"]:
            return f"the build {answer['state'] if answer['state'] != 'running' else 'has ended'}"
        if not tail:
            break
    return "the build goes on (--tail follows it)"


def _print(line: Json, *, as_json: bool) -> None:
    if as_json:
        print_json_line(line)
    else:
        click.echo(f"{line['source']}: {one_line_kept(line['text'])}")


def one_line_kept(text: str) -> str:
    """Return the text with its indentation but without control characters."""
    body = text.lstrip(" ")
    return " " * (len(text) - len(body)) + one_line(body)
