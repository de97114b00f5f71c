"""paas access: who may do what with an app."""

import click

from functions.cli.client import quoted
from functions.cli.context import Session, app_option, chosen_app, json_option
from functions.cli.output import local_time, print_json, print_table


@click.group()
def access() -> None:
    """Add, remove and list the users of an app."""


@access.command()
@click.argument("email")
@click.option(
    "--role",
    type=click.Choice(["viewer", "deployer", "owner"]),
    default="deployer",
    show_default=True,
    help="A viewer reads, a deployer also changes and deploys, an owner also deletes and chooses users.",
)
@app_option
@json_option
@click.pass_obj
def add(session: Session, email: str, role: str, app: str | None, *, as_json: bool) -> None:
    """Give a user access to the app, or change the role."""
    path = f"/apps/{quoted(chosen_app(app))}/collaborators/{quoted(email)}"
    answer = session.client().send("PUT", path, {"role": role})
    if as_json:
        print_json(answer)
        return
    click.echo(f"{answer['email']} is {answer['role']} of {answer['app']} now")


@access.command()
@click.argument("email")
@app_option
@json_option
@click.pass_obj
def remove(session: Session, email: str, app: str | None, *, as_json: bool) -> None:
    """Take the access to the app from a user."""
    name = chosen_app(app)
    answer = session.client().send("DELETE", f"/apps/{quoted(name)}/collaborators/{quoted(email)}")
    if as_json:
        print_json(answer)
        return
    click.echo(f"removed {answer['removed']} from {name}")


@access.command("list")
@app_option
@json_option
@click.pass_obj
def list_(session: Session, app: str | None, *, as_json: bool) -> None:
    """List the users of the app."""
    found = session.client().get(f"/apps/{quoted(chosen_app(app))}/collaborators")["items"]
    if as_json:
        print_json(found)
        return
    rows = [(one["email"], one["role"], local_time(one["added_at"])) for one in found]
    print_table(("EMAIL", "ROLE", "ADDED"), rows, empty="no users: only administrators have access")
