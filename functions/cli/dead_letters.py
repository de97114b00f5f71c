"""paas dead-letters: events that no function could handle."""

import click

from functions.cli.context import Session, json_option
from functions.cli.output import moment, print_fields, print_json, print_table

_number = click.argument("number", type=click.IntRange(min=1))


@click.group("dead-letters")
def dead_letters() -> None:
    """List, show, redrive and discard dead letters."""


@dead_letters.command("list")
@click.option(
    "--state",
    type=click.Choice(["parked", "redriven", "discarded", "all"]),
    default="parked",
    show_default=True,
    help="Which ones.",
)
@json_option
@click.pass_obj
def list_(session: Session, state: str, *, as_json: bool) -> None:
    """List dead letters, newest first."""
    found = session.client().items("/dead-letters", state=state)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one["id"],
            one["state"],
            moment(one["parked_at"]),
            one["type"],
            one["subject"],
            one["subscriber"],
            one["error"],
        )
        for one in found
    ]
    headings = ("ID", "STATE", "PARKED", "TYPE", "SUBJECT", "SUBSCRIBER", "ERROR")
    print_table(headings, rows, empty="no dead letters")


@dead_letters.command()
@_number
@json_option
@click.pass_obj
def show(session: Session, number: int, *, as_json: bool) -> None:
    """Show a dead letter with its event."""
    found = session.client().get(f"/dead-letters/{number}")
    if as_json:
        print_json(found)
        return
    print_fields({name: value for name, value in found.items() if name != "body" and value is not None})
    print_json(found["body"])


@dead_letters.command()
@_number
@json_option
@click.pass_obj
def redrive(session: Session, number: int, *, as_json: bool) -> None:
    """Send the event again to all its functions."""
    answer = session.client().send("POST", f"/dead-letters/{number}/redrive")
    if as_json:
        print_json(answer)
        return
    click.echo(f"sent event {answer['event']} again")


@dead_letters.command()
@_number
@json_option
@click.pass_obj
def discard(session: Session, number: int, *, as_json: bool) -> None:
    """Give the event up; it stays in the list of --state discarded."""
    answer = session.client().send("POST", f"/dead-letters/{number}/discard")
    if as_json:
        print_json(answer)
        return
    click.echo(f"dead letter {answer['id']} is discarded")
