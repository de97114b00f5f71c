"""paas usage: what an app used, by month."""

import click

from functions.cli.client import quoted
from functions.cli.context import Session, app_option, chosen_app, json_option
from functions.cli.output import print_json, print_table


@click.command()
@app_option
@click.option("--months", type=click.IntRange(1, 24), default=3, show_default=True, help="How many, this one first.")
@json_option
@click.pass_obj
def usage(session: Session, app: str | None, months: int, *, as_json: bool) -> None:
    """Show the app's builds, build minutes and releases by month."""
    found = session.client().get(f"/apps/{quoted(chosen_app(app))}/usage", months=str(months))
    if as_json:
        print_json(found)
        return
    rows = [(one["month"], one["builds"], f"{one['build_minutes']:.1f}", one["releases"]) for one in found["items"]]
    print_table(("MONTH", "BUILDS", "BUILD MINUTES", "RELEASES"), rows, empty="nothing yet")
    click.echo(f"not measured here: {', '.join(found['unmeasured'])}", err=True)
