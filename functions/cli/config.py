"""paas config: environment variables of an app."""

from typing import Any

import click

from functions.cli.client import NOT_FOUND, USAGE, Failure, Json, quoted
from functions.cli.context import Session, app_option, chosen_app, json_option
from functions.cli.output import print_json, print_table

_scope = click.option(
    "--scope",
    type=click.Choice(["production", "preview"]),
    default="production",
    show_default=True,
    help="For which environments.",
)


@click.group(invoke_without_command=True)
@click.pass_context
def config(context: click.Context) -> None:
    """List, set, unset and get config; a change creates a new release."""
    if context.invoked_subcommand is None:
        context.invoke(list_)


@config.command("list")
@app_option
@_scope
@click.option("--reveal", is_flag=True, help="Show the values; needs the role admin and is audited.")
@json_option
@click.pass_obj
def list_(
    session: Session,
    app: str | None = None,
    scope: str = "production",
    *,
    reveal: bool = False,
    as_json: bool = False,
) -> None:
    """List the keys; values are masked."""
    answer = _read(session, app, scope, reveal=reveal)
    if as_json:
        print_json(answer)
        return
    print_table(
        ("KEY", "VALUE"), answer["config"].items(), empty="no config yet: set some with `paas config set KEY=VALUE`"
    )


@config.command("set")
@click.argument("pairs", nargs=-1, required=True, metavar="KEY=VALUE...")
@app_option
@_scope
@json_option
@click.pass_obj
def set_(session: Session, pairs: tuple[str, ...], app: str | None, scope: str, *, as_json: bool) -> None:
    """Set values."""
    changes: dict[str, str | None] = {}
    for position, pair in enumerate(pairs, start=1):
        key, equals, value = pair.partition("=")
        if not equals:
            # The text itself may be a secret without its key.
            msg = f"argument {position} is not of the form KEY=VALUE"
            raise Failure(msg, USAGE)
        changes[key] = value
    _change(session, app, scope, changes, as_json=as_json)


@config.command()
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@app_option
@_scope
@json_option
@click.pass_obj
def unset(session: Session, keys: tuple[str, ...], app: str | None, scope: str, *, as_json: bool) -> None:
    """Unset keys."""
    _change(session, app, scope, dict.fromkeys(keys), as_json=as_json)


@config.command()
@click.argument("key")
@app_option
@_scope
@json_option
@click.pass_obj
def get(session: Session, key: str, app: str | None, scope: str, *, as_json: bool) -> None:
    """Print one value as it is; needs the role admin and is audited."""
    values = _read(session, app, scope, reveal=True)["config"]
    if key not in values:
        msg = f"{key} is not set: see `paas config list`"
        raise Failure(msg, NOT_FOUND)
    if as_json:
        print_json({key: values[key]})
        return
    click.echo(values[key])


def _read(session: Session, app: str | None, scope: str, *, reveal: bool) -> Json:
    query = {"scope": scope, **({"reveal": "true"} if reveal else {})}
    return session.client().get(f"/apps/{quoted(chosen_app(app))}/config", **query)


def _change(session: Session, app: str | None, scope: str, changes: dict[str, Any], *, as_json: bool) -> None:
    path = f"/apps/{quoted(chosen_app(app))}/config"
    answer = session.client().send("PATCH", path, changes, query={"scope": scope})
    if as_json:
        print_json(answer)
        return
    if not answer["changed"]:
        click.echo("nothing changed: the config has these values already")
        return
    click.echo(f"changed {', '.join(answer['changed'])} of {answer['app']} ({scope})")
    if answer["events"]:
        click.echo("if a release is live, a new one with this config follows: see `paas releases`")
