"""paas usage: what an app used, by month; and what holds how much of one machine's disk."""

from collections import Counter

import click

from functions.cli.client import Json, quoted
from functions.cli.context import Session, app_option, chosen_app, json_option
from functions.cli.output import print_json, print_table

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024


@click.command()
@app_option
@click.option("--months", type=click.IntRange(1, 24), default=3, show_default=True, help="How many, this one first.")
@click.option("--disk", is_flag=True, help="What holds how much of this machine's disk; needs an administrator.")
@json_option
@click.pass_obj
def usage(session: Session, app: str | None, months: int, *, disk: bool, as_json: bool) -> None:
    """Show the app's builds, build minutes and releases by month."""
    if disk:
        _print_disk(session.client().get("/disk"), app or "", as_json=as_json)
        return
    found = session.client().get(f"/apps/{quoted(chosen_app(app))}/usage", months=str(months))
    if as_json:
        print_json(found)
        return
    rows = [(one["month"], one["builds"], f"{one['build_minutes']:.1f}", one["releases"]) for one in found["items"]]
    print_table(("MONTH", "BUILDS", "BUILD MINUTES", "RELEASES"), rows, empty="nothing yet")
    click.echo(f"not measured here: {', '.join(found['unmeasured'])}", err=True)


def _print_disk(found: Json, app: str, *, as_json: bool) -> None:
    """Print what one app holds by kind, or everything by kind and by app."""
    items = [one for one in found["items"] if app in {"", one["app"]}]
    if as_json:
        print_json({**found, "items": items})
        return
    kinds, apps = Counter[str](), Counter[str]()
    for one in items:
        kinds[one["kind"]] += one["size"]
        apps[one["app"] or "(no app alone)"] += one["size"]
    print_table(("KIND", "SIZE"), [(kind, _size(size)) for kind, size in kinds.most_common()], empty="nothing yet")
    if not app:
        click.echo()
        print_table(("APP", "SIZE"), [(name, _size(size)) for name, size in apps.most_common()], empty="no apps")
    click.echo(f"{_size(sum(kinds.values()))} in all, {_size(found['free'])} are free", err=True)


def _size(count: float) -> str:
    for unit in _UNITS[:-1]:
        if count < _STEP:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= _STEP
    return f"{count:.1f} {_UNITS[-1]}"
