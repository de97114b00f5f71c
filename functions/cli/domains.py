"""paas domains: hosts of your own."""

import click

from functions.cli.client import part
from functions.cli.context import Session, app_option, chosen_app, json_option
from functions.cli.output import print_json, print_table


@click.group()
def domains() -> None:
    """Add, remove and list the hosts of an app."""


@domains.command()
@click.argument("host")
@app_option
@json_option
@click.pass_obj
def add(session: Session, host: str, app: str | None, *, as_json: bool) -> None:
    """Let a host lead to the app's production."""
    answer = session.client().send("PUT", f"/apps/{part(chosen_app(app))}/domains/{part(host)}")
    if as_json:
        print_json(answer)
        return
    click.echo(f"{answer['host']} is the app's: {answer['url']} answers once its name leads here")


@domains.command()
@click.argument("host")
@app_option
@json_option
@click.pass_obj
def remove(session: Session, host: str, app: str | None, *, as_json: bool) -> None:
    """Take a host from the app."""
    answer = session.client().send("DELETE", f"/apps/{part(chosen_app(app))}/domains/{part(host)}")
    if as_json:
        print_json(answer)
        return
    click.echo(f"{answer['removed']} is removed")


@domains.command("list")
@app_option
@json_option
@click.pass_obj
def list_(session: Session, app: str | None, *, as_json: bool) -> None:
    """List the app's hosts."""
    found = session.client().get(f"/apps/{part(chosen_app(app))}/domains")["items"]
    if as_json:
        print_json(found)
        return
    print_table(("HOST",), [(item["host"],) for item in found], empty="no hosts")
