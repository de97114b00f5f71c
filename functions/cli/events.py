"""paas events: what was sent, and sending it again."""

import click

from functions.cli.client import part
from functions.cli.context import Session, json_option
from functions.cli.output import moment, print_json, print_table


@click.group()
def events() -> None:
    """List, show and replay events."""


@events.command("list")
@click.option("--app", default="", help="Only those of this app.")
@click.option("--push", default="", help="Only those of the push with this id.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1, 10000), help="At most so many.")
@json_option
@click.pass_obj
def list_(session: Session, app: str, push: str, limit: int, *, as_json: bool) -> None:
    """List the newest events, oldest first."""
    found = session.client().items("/events", most=limit, app=app, push=push, newest="true")[::-1]
    if as_json:
        print_json(found)
        return
    rows = [(moment(one["recorded_at"]), one["type"], one["subject"], one["id"]) for one in found]
    print_table(("RECORDED", "TYPE", "SUBJECT", "ID"), rows, empty="no events")


@events.command()
@click.argument("event")
@json_option
@click.pass_obj
def show(session: Session, event: str, *, as_json: bool) -> None:
    """Show an event as JSON."""
    del as_json  # an event is JSON
    print_json(session.client().get(f"/events/{part(event)}"))


@events.command()
@click.argument("event")
@click.option("--dry-run", is_flag=True, help="Only say which functions would get it.")
@json_option
@click.pass_obj
def replay(session: Session, event: str, *, dry_run: bool, as_json: bool) -> None:
    """Send an event again, with its own id: what was done for it already is not done twice."""
    answer = session.client().send("POST", f"/events/{part(event)}/replay", {"dry_run": dry_run})
    if as_json:
        print_json(answer)
    elif dry_run:
        rows = [(one["function"], one["trigger"]) for one in answer["to"]]
        print_table(("FUNCTION", "TRIGGER"), rows, empty=f"no Trigger lets {answer['type']} through")
    else:
        click.echo(f"sent {answer['type']} {answer['event']} again")
