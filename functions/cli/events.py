"""paas events and paas dead-letters: recorded events, and those that a function could not handle."""

import click

from functions.cli.client import quoted
from functions.cli.context import Session, json_option
from functions.cli.output import local_time, print_fields, print_json, print_table


@click.group()
def events() -> None:
    """List, show and replay events."""


@events.command("list")
@click.option("--app", default="", help="Only those of this app.")
@click.option("--push", default="", help="Only those of the push with this id.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1, 10000), help="How many, the newest.")
@json_option
@click.pass_obj
def list_(session: Session, app: str, push: str, limit: int, *, as_json: bool) -> None:
    """List the newest events, oldest first."""
    found = session.client().items("/events", most=limit, app=app, push=push, newest="true")[::-1]
    if as_json:
        print_json(found)
        return
    rows = [(local_time(one["recorded_at"]), one["type"], one["subject"], one["id"]) for one in found]
    print_table(("RECORDED", "TYPE", "SUBJECT", "ID"), rows, empty="no events")


@events.command()
@click.argument("event")
@json_option
@click.pass_obj
def show(session: Session, event: str, *, as_json: bool) -> None:
    """Show an event as JSON."""
    del as_json  # an event is JSON
    print_json(session.client().get(f"/events/{quoted(event)}"))


@events.command()
@click.argument("event")
@click.option("--dry-run", is_flag=True, help="Only list the functions that would get it.")
@json_option
@click.pass_obj
def replay(session: Session, event: str, *, dry_run: bool, as_json: bool) -> None:
    """Send an event again, with its own id: functions do not repeat what they did for it."""
    answer = session.client().send("POST", f"/events/{quoted(event)}/replay", {"dry_run": dry_run})
    if as_json:
        print_json(answer)
    elif dry_run:
        rows = [(one["function"], one["trigger"]) for one in answer["to"]]
        print_table(("FUNCTION", "TRIGGER"), rows, empty=f"no Trigger lets {answer['type']} through")
    else:
        click.echo(f"sent {answer['type']} {answer['event']} again")


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
def list_dead_letters(session: Session, state: str, *, as_json: bool) -> None:
    """List dead letters, newest first."""
    found = session.client().items("/dead-letters", state=state)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one["id"],
            one["state"],
            local_time(one["parked_at"]),
            one["type"],
            one["subject"],
            one["subscriber"],
            one["error"],
        )
        for one in found
    ]
    headings = ("ID", "STATE", "PARKED", "TYPE", "SUBJECT", "SUBSCRIBER", "ERROR")
    print_table(headings, rows, empty="no dead letters")


@dead_letters.command("show")
@_number
@json_option
@click.pass_obj
def show_dead_letter(session: Session, number: int, *, as_json: bool) -> None:
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
    """Send an event again to all its functions."""
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
    """Give an event up; `list --state discarded` still shows it."""
    answer = session.client().send("POST", f"/dead-letters/{number}/discard")
    if as_json:
        print_json(answer)
        return
    click.echo(f"discarded dead letter {answer['id']}")
