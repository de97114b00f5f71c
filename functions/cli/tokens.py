"""paas tokens: access tokens of your own, for example for CI."""

import click

from functions.cli.client import Json, quoted
from functions.cli.context import Session, json_option
from functions.cli.output import local_time, print_json, print_table

_SCOPES = click.Choice(["read", "deploy", "admin"])


@click.group()
def tokens() -> None:
    """Create, list and revoke your access tokens."""


@tokens.command()
@click.argument("name")
@click.option("--scope", type=_SCOPES, default="deploy", show_default=True, help="What it allows of all you may do.")
@click.option("--app", default="", metavar="NAME", help="Only for this app; by default for all of yours.")
@click.option("--days", type=click.IntRange(1, 365), default=90, show_default=True, help="When it expires.")
@json_option
@click.pass_obj
def create(session: Session, name: str, scope: str, app: str, days: int, *, as_json: bool) -> None:
    """Create a token. It is shown only once."""
    body: Json = {"name": name, "scope": scope, "days": days, **({"app": app} if app else {})}
    answer = session.client().send("POST", "/tokens", body)
    if as_json:
        print_json(answer)
        return
    click.echo(answer["token"])
    click.echo(f"store it now: it is not shown again; it expires on {local_time(answer['expires_at'])}", err=True)


@tokens.command("list")
@json_option
@click.pass_obj
def list_(session: Session, *, as_json: bool) -> None:
    """List your tokens, those of logins too."""
    found = session.client().get("/tokens")["items"]
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one["name"],
            "login" if one["kind"] == "session" else one["scope"],
            one["app"] or "all apps",
            local_time(one["created_at"]),
            local_time(one["expires_at"]),
        )
        for one in found
    ]
    print_table(("NAME", "SCOPE", "APP", "CREATED", "EXPIRES"), rows, empty="no tokens")


@tokens.command()
@click.argument("name", metavar="NAME|ID")
@json_option
@click.pass_obj
def revoke(session: Session, name: str, *, as_json: bool) -> None:
    """Revoke a token at once; of a login by the name that `paas tokens list` shows."""
    answer = session.client().send("DELETE", f"/tokens/{quoted(name)}")
    if as_json:
        print_json(answer)
        return
    click.echo(f"revoked token {answer['revoked']}")
