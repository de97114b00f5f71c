"""paas audit and paas attention: who did what, and what needs a person."""

import click

from functions.cli.client import quoted
from functions.cli.context import Session, json_option
from functions.cli.output import local_time, print_json, print_table


@click.command()
@click.option("--app", default="", metavar="NAME", help="Only what was done to this app; needs an owner.")
@click.option("--actor", default="", metavar="EMAIL", help="Only what this user did.")
@click.option("--action", default="", metavar="ACTION", help="Only these, for example domain.add or domain.")
@click.option("--target", default="", metavar="TARGET", help="Only what was done to this.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10000), help="How many, the newest.")
@json_option
@click.pass_obj
def audit(session: Session, /, app: str, limit: int, *, as_json: bool, **filters: str) -> None:
    """Show who did what, newest first; for administrators, and with --app for the owners of that app."""
    path = f"/apps/{quoted(app)}/audit" if app else "/audit"
    found = session.client().items(path, most=limit, **filters)
    if as_json:
        print_json(found)
        return
    rows = [(local_time(one["at"]), one["actor"], one["action"], one["target"], one["detail"]) for one in found]
    print_table(("AT", "ACTOR", "ACTION", "TARGET", "DETAIL"), rows, empty="no entries")


@click.command()
@json_option
@click.pass_obj
def attention(session: Session, *, as_json: bool) -> None:
    """Show what needs a person: failed and stuck pushes, dead letters, certificates, DNS records."""
    found = session.client().get("/attention")["items"]
    if as_json:
        print_json(found)
        return
    rows = [(local_time(one["since"]), one["kind"], one["app"], one["subject"], one["reason"]) for one in found]
    print_table(("SINCE", "WHAT", "APP", "SUBJECT", "REASON"), rows, empty="nothing needs you")
