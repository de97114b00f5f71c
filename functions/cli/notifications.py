"""paas notifications: where failures and releases are reported."""

import click

from functions.cli.client import USAGE, Failure, Json, quoted
from functions.cli.context import Session, app_option, chosen_app, json_option
from functions.cli.output import print_json, print_table

_TYPES = ("release.live", "release.failed", "build.failed", "certificate.failed", "dns.refused")
_all_option = click.option(
    "--all", "every_app", is_flag=True, help="The channels of every app; for administrators, instead of --app."
)


@click.group()
def notifications() -> None:
    """Report releases and failures by webhook, chat or email."""


@notifications.command()
@click.argument("name")
@click.argument("target", metavar="URL|EMAIL")
@click.option(
    "--kind",
    type=click.Choice(["webhook", "slack", "email"]),
    help="Slack's form also suits Mattermost; by default email for an address, else a signed webhook.",
)
@click.option("--errors-only", is_flag=True, help="Only failures.")
@click.option("--type", "types", type=click.Choice(_TYPES), multiple=True, help="Only these; by default all.")
@app_option
@_all_option
@json_option
@click.pass_obj
def add(
    session: Session,
    name: str,
    target: str,
    kind: str | None,
    app: str | None,
    *,
    types: tuple[str, ...],
    errors_only: bool,
    every_app: bool,
    as_json: bool,
) -> None:
    """Add a channel. The secret of a webhook is shown only once."""
    kind = kind or ("email" if "@" in target and "://" not in target else "webhook")
    body: Json = {"name": name, "kind": kind, "target": target, "types": list(types), "errors_only": errors_only}
    answer = session.client().send("POST", _path(app, every_app=every_app), body)
    if as_json:
        print_json(answer)
        return
    if answer["secret"]:
        click.echo(answer["secret"])
        click.echo("verify the header webhook-signature with this secret; it is not shown again", err=True)
    click.echo(
        f"added {name}: try it with `paas notifications test {name} {_option(app, every_app=every_app)}`", err=True
    )


@notifications.command()
@click.argument("name")
@app_option
@_all_option
@json_option
@click.pass_obj
def remove(session: Session, name: str, app: str | None, *, every_app: bool, as_json: bool) -> None:
    """Remove a channel."""
    answer = session.client().send("DELETE", f"{_path(app, every_app=every_app)}/{quoted(name)}")
    if as_json:
        print_json(answer)
        return
    click.echo(f"removed {answer['removed']}")


@notifications.command()
@click.argument("name")
@app_option
@_all_option
@json_option
@click.pass_obj
def test(session: Session, name: str, app: str | None, *, every_app: bool, as_json: bool) -> None:
    """Send a test to a channel."""
    answer = session.client().send("POST", f"{_path(app, every_app=every_app)}/{quoted(name)}/test")
    if as_json:
        print_json(answer)
        return
    click.echo(f"sent a test to {answer['tested']}: when it does not arrive, `paas dead-letters list` shows the error")


@notifications.command("list")
@app_option
@_all_option
@json_option
@click.pass_obj
def list_(session: Session, app: str | None, *, every_app: bool, as_json: bool) -> None:
    """List the channels."""
    found = session.client().get(_path(app, every_app=every_app))["items"]
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one["name"],
            one["kind"],
            one["target"],
            " ".join(one["types"]) or ("errors" if one["errors_only"] else "all"),
            one["disabled"] or "in use",
        )
        for one in found
    ]
    print_table(("NAME", "KIND", "TARGET", "EVENTS", "STATE"), rows, empty="no channels")


def _path(app: str | None, *, every_app: bool) -> str:
    if app and every_app:
        msg = "--app and --all exclude each other"
        raise Failure(msg, USAGE)
    return "/notifications" if every_app else f"/apps/{quoted(chosen_app(app))}/notifications"


def _option(app: str | None, *, every_app: bool) -> str:
    return "--all" if every_app else f"--app {chosen_app(app)}"
