"""paas tokens and whoami."""

import click

from functions.cli.client import part
from functions.cli.context import Session, json_option
from functions.cli.output import print_fields, print_json


@click.group()
def tokens() -> None:
    """Give and revoke API tokens; for admins."""


@tokens.command()
@click.argument("name")
@click.option("--role", type=click.Choice(["viewer", "deployer", "admin"]), default="deployer", show_default=True)
@json_option
@click.pass_obj
def create(session: Session, name: str, role: str, *, as_json: bool) -> None:
    """Give a token; it is shown this once."""
    answer = session.client().send("POST", "/tokens", {"name": name, "role": role})
    if as_json:
        print_json(answer)
        return
    click.echo(answer["token"])
    click.echo("keep it now: it is not shown again", err=True)


@tokens.command()
@click.argument("name")
@json_option
@click.pass_obj
def revoke(session: Session, name: str, *, as_json: bool) -> None:
    """End a token at once."""
    answer = session.client().send("DELETE", f"/tokens/{part(name)}")
    if as_json:
        print_json(answer)
        return
    click.echo(f"the token {answer['revoked']} is revoked")


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
