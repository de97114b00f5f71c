"""paas tokens and whoami."""

import click

from functions.cli.client import quoted
from functions.cli.context import Session, json_option
from functions.cli.output import print_fields, print_json


@click.group()
def tokens() -> None:
    """Create and revoke API tokens; needs the role admin."""


@tokens.command()
@click.argument("name")
@click.option("--role", type=click.Choice(["viewer", "deployer", "admin"]), default="deployer", show_default=True)
@json_option
@click.pass_obj
def create(session: Session, name: str, role: str, *, as_json: bool) -> None:
    """Create a token. It is shown only once."""
    answer = session.client().send("POST", "/tokens", {"name": name, "role": role})
    if as_json:
        print_json(answer)
        return
    click.echo(answer["token"])
    click.echo("store it now: it is not shown again", err=True)


@tokens.command()
@click.argument("name")
@json_option
@click.pass_obj
def revoke(session: Session, name: str, *, as_json: bool) -> None:
    """Revoke a token at once."""
    answer = session.client().send("DELETE", f"/tokens/{quoted(name)}")
    if as_json:
        print_json(answer)
        return
    click.echo(f"revoked token {answer['revoked']}")


@click.command()
@json_option
@click.pass_obj
def whoami(session: Session, *, as_json: bool) -> None:
    """Show the token's name and role."""
    answer = session.client().get("/whoami")
    if as_json:
        print_json(answer)
        return
    print_fields(answer)
