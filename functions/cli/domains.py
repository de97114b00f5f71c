"""paas domains: custom domains of an app."""

from collections.abc import Mapping

import click

from functions.cli.client import quoted
from functions.cli.context import Session, app_option, chosen_app, json_option
from functions.cli.output import print_json, print_table


@click.group()
def domains() -> None:
    """Add, remove and list the domains of an app."""


@domains.command()
@click.argument("host")
@app_option
@json_option
@click.pass_obj
def add(session: Session, host: str, app: str | None, *, as_json: bool) -> None:
    """Add a custom domain to the app's production, once a DNS record proves that it is yours."""
    answer = session.client().send("PUT", f"/apps/{quoted(chosen_app(app))}/domains/{quoted(host)}")
    if as_json:
        print_json(answer)
        return
    if answer["proof"]:
        click.echo(f"{answer['host']} is not added yet: {answer['proof']['reason']}")
        click.echo("prove that the domain is yours by this DNS record:")
        print_proof(answer["proof"])
        click.echo("then repeat this command, or wait: the platform looks again every few minutes")
        return
    click.echo(f"added {answer['host']}: {answer['url']} answers once its DNS record points here")


@domains.command()
@click.argument("host")
@app_option
@json_option
@click.pass_obj
def remove(session: Session, host: str, app: str | None, *, as_json: bool) -> None:
    """Remove a custom domain from the app."""
    answer = session.client().send("DELETE", f"/apps/{quoted(chosen_app(app))}/domains/{quoted(host)}")
    if as_json:
        print_json(answer)
        return
    click.echo(f"removed {answer['removed']}")


@domains.command("list")
@app_option
@json_option
@click.pass_obj
def list_(session: Session, app: str | None, *, as_json: bool) -> None:
    """List the app's domains, its own first."""
    found = session.client().get(f"/apps/{quoted(chosen_app(app))}/domains")["items"]
    if as_json:
        print_json(found)
        return
    print_table(("HOST", "STATE"), [(item["host"], item["state"]) for item in found], empty="no domains")
    for proof in [item["proof"] for item in found if item["proof"]]:
        click.echo(f"{proof['reason']}:")
        print_proof(proof)


def print_proof(proof: Mapping[str, str]) -> None:
    """Print the DNS record that proves a domain."""
    click.echo(f"  {proof['name']}  {proof['type']}  {proof['value']}")
