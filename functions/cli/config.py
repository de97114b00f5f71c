"""paas config: environment variables of an app."""

import os
from pathlib import Path
from typing import IO, Any

import click

from functions.cli.client import NOT_FOUND, USAGE, Failure, Json, quoted
from functions.cli.context import Session, app_option, chosen_app, json_option
from functions.cli.output import print_json, print_table
from functions.cli.releasing import Wait, follow_releases, newest_releases, wait_options
from functions.common.domain.tokens import new_config_key

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
    for one in answer["live"]:
        click.echo(_live(one, ", ".join(one["differs"])), err=True)
    print_table(
        ("KEY", "VALUE"), answer["config"].items(), empty="no config yet: set some with `paas config set KEY=VALUE`"
    )


@config.command("set")
@click.argument("pairs", nargs=-1, required=True, metavar="KEY=VALUE...")
@app_option
@_scope
@wait_options
@json_option
@click.pass_obj
def set_(session: Session, pairs: tuple[str, ...], app: str | None, scope: str, *, wait: Wait, as_json: bool) -> None:
    """Set values."""
    changes: dict[str, str | None] = {}
    for position, pair in enumerate(pairs, start=1):
        key, equals, value = pair.partition("=")
        if not equals:
            # The text itself may be a secret without its key.
            msg = f"argument {position} is not of the form KEY=VALUE"
            raise Failure(msg, USAGE)
        changes[key] = value
    _change(session, app, scope, changes, wait=wait, as_json=as_json)


@config.command()
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@app_option
@_scope
@wait_options
@json_option
@click.pass_obj
def unset(session: Session, keys: tuple[str, ...], app: str | None, scope: str, *, wait: Wait, as_json: bool) -> None:
    """Unset keys."""
    _change(session, app, scope, dict.fromkeys(keys), wait=wait, as_json=as_json)


@config.command()
@click.argument("key")
@app_option
@_scope
@json_option
@click.pass_obj
def get(session: Session, key: str, app: str | None, scope: str, *, as_json: bool) -> None:
    """Print one value as it is; needs the role admin and is audited."""
    answer = _read(session, app, scope, reveal=True)
    values = answer["config"]
    others = [_live(one, key) for one in answer["live"] if key in one["differs"]]
    if key not in values:
        msg = "; ".join((f"{key} is not set: see `paas config list`", *others))
        raise Failure(msg, NOT_FOUND)
    for line in others:
        click.echo(line, err=True)
    if as_json:
        print_json({key: values[key]})
        return
    click.echo(values[key])


def _read(session: Session, app: str | None, scope: str, *, reveal: bool) -> Json:
    query = {"scope": scope, **({"reveal": "true"} if reveal else {})}
    return session.client().get(f"/apps/{quoted(chosen_app(app))}/config", **query)


def _live(one: Json, keys: str) -> str:
    """Return in words which config a live release runs with."""
    what = f"release v{one['release']}, which is live in {one['environment']}, runs with"
    return f"{what} other values of {keys}: see `paas releases`" if one["differs"] else f"{what} this config"


def _change(
    session: Session, app: str | None, scope: str, changes: dict[str, Any], *, wait: Wait, as_json: bool
) -> None:
    """Change the config, and follow the releases that have it to their ends."""
    client, name = session.client(), chosen_app(app)
    before = newest_releases(client, name, scope)
    answer = client.send("PATCH", f"/apps/{quoted(name)}/config", changes, query={"scope": scope})
    if not as_json:
        click.echo(_changed(answer, before))
    follows = bool(answer["events"] and before and wait.seconds)
    live = follow_releases(client, name, before, seconds=wait.seconds, quiet=as_json) if follows else []
    if as_json:
        print_json({**answer, "live": live})


def _changed(answer: Json, before: dict[str, int]) -> str:
    if not answer["changed"]:
        return "nothing changed: the config has these values already"
    follows = "; a release with this config follows: see `paas releases`" if answer["events"] and before else ""
    return f"changed {', '.join(answer['changed'])} of {answer['app']} ({answer['scope']}){follows}"


@config.command("import")
@click.argument("file", type=click.File(encoding="utf-8"), default=".env", metavar="[FILE]")
@app_option
@_scope
@wait_options
@json_option
@click.pass_obj
def import_(session: Session, file: IO[str], app: str | None, scope: str, *, wait: Wait, as_json: bool) -> None:
    """Set the values of a .env file, by default ./.env; - reads standard input. Other keys stay as they are."""
    from dotenv import dotenv_values  # noqa: PLC0415 - only this command needs it

    try:
        found = dotenv_values(stream=file, interpolate=False)
    except UnicodeDecodeError as error:
        msg = f"{file.name} is not UTF-8: save it as such"
        raise Failure(msg, USAGE) from error
    if bare := sorted(key for key, value in found.items() if value is None):
        msg = f"{file.name} has {', '.join(bare)} without a value: write {bare[0]}=, or remove the line"
        raise Failure(msg, USAGE)
    if not found:
        msg = f"{file.name} has no values: it needs lines of the form KEY=VALUE"
        raise Failure(msg, USAGE)
    _change(session, app, scope, dict(found), wait=wait, as_json=as_json)


@config.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False, metavar="[FILE]")
@app_option
@_scope
@click.pass_obj
def export(session: Session, file: Path | None, app: str | None, scope: str) -> None:
    """Write all values as a .env file, to standard output or FILE; needs an owner and is audited."""
    values = _read(session, app, scope, reveal=True)["config"]
    text = "".join(f"{key}={_quoted(value)}\n" for key, value in sorted(values.items()))
    if file is None:
        click.echo(text, nl=False)
        return
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as target:
            target.write(text)
    except OSError as error:
        msg = f"{file} cannot be written: {error.strerror}"
        raise Failure(msg) from error
    click.echo(f"wrote {len(values)} values to {file}", err=True)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


@config.command("new-key")
def new_key_() -> None:
    """Print a new key for the setting SLIPWAY_CONFIG_KEYS."""
    click.echo(new_config_key())


@config.command()
@json_option
@click.pass_obj
def renew(session: Session, *, as_json: bool) -> None:
    """Encrypt config, and secrets of webhooks and notifications, with the newest key; needs an administrator."""
    answer = session.client().send("POST", "/config/renewal", {})
    if as_json:
        print_json(answer)
        return
    click.echo(
        f"{answer['renewed']} values have the newest key now; keep the older keys until every app has a new release"
    )
