"""paas audit and paas attention: who did what, and what needs a person."""

import re
from datetime import datetime, timedelta

import click

from functions.cli.client import USAGE, Failure, Json, quoted
from functions.cli.context import Session, json_option
from functions.cli.output import local_time, print_json, print_table


@click.command()
@click.option("--app", default="", metavar="NAME", help="Only what was done to this app; needs an owner.")
@click.option("--actor", default="", metavar="EMAIL", help="Only what this user did.")
@click.option("--action", default="", metavar="ACTION", help="Only these, for example domain.add or domain.")
@click.option("--target", default="", metavar="TARGET", help="Only what was done to this.")
@click.option(
    "--since", default="", metavar="TIME", help="Only from then on: 2026-01-31, 2026-01-31T12:00, 90m, 24h, 7d."
)
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10000), help="How many, the newest.")
@json_option
@click.pass_obj
def audit(session: Session, /, app: str, since: str, limit: int, *, as_json: bool, **filters: str) -> None:
    """Show who did what, newest first; for administrators, and with --app for the owners of that app."""
    path = f"/apps/{quoted(app)}/audit" if app else "/audit"
    found = session.client().items(path, most=limit, **filters, since=_moment(since))
    if as_json:
        print_json(found)
        return
    print_table(("AT", "ACTOR", "ACTION", "TARGET", "DETAIL"), map(_row, found), empty="no entries")


def _row(entry: Json) -> tuple[str, ...]:
    detail = entry["detail"]
    if entry["count"] > 1:
        detail += f" ({entry['count']} times until {local_time(entry['last_at'])})"
    if entry["latest"]:
        detail += f" (last: {entry['latest']})"
    return local_time(entry["at"]), entry["actor"], entry["action"], entry["target"], detail


_AGO = re.compile(r"(\d{1,6})([mhd])\Z")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _moment(since: str) -> str:
    """Return the time that --since names, in the form of the API; an empty text stays empty."""
    if not since:
        return ""
    try:
        ago = _AGO.match(since)
        now = datetime.now().astimezone()
        found = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}) if ago else datetime.fromisoformat(since).astimezone()
    except (ValueError, OverflowError) as error:
        msg = f"--since {since}: give a time such as 2026-01-31T12:00, or how long ago: 90m, 24h, 7d"
        raise Failure(msg, USAGE) from error
    return found.isoformat()


@click.command()
@json_option
@click.pass_obj
def attention(session: Session, *, as_json: bool) -> None:
    """Show what needs a person: failed and stuck pushes, dead letters, certificates, DNS records, a weak sandbox."""
    found = session.client().get("/attention")["items"]
    if as_json:
        print_json(found)
        return
    rows = [(local_time(one["since"]), one["kind"], one["app"], one["subject"], one["reason"]) for one in found]
    print_table(("SINCE", "WHAT", "APP", "SUBJECT", "REASON"), rows, empty="nothing needs you")
