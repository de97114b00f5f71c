"""paas migrate: applies the migrations; the one command that connects to PostgreSQL instead of the API."""

from contextlib import closing
from pathlib import Path

import click

from functions.cli.client import Failure, failure_of
from functions.cli.context import json_option
from functions.cli.output import print_json
from functions.common.errors import Rejected, Unavailable

MIGRATIONS = Path(__file__).parents[2] / "schemas" / "migrations"


@click.command()
@click.option("--database", envvar="DATABASE_URL", required=True, metavar="DSN", help="PostgreSQL. [DATABASE_URL]")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=MIGRATIONS,
    help="The migrations; by default Slipway's own.",
)
@json_option
def migrate(database: str, folder: Path, *, as_json: bool) -> None:
    """Apply the missing migrations; fails when an applied one was edited."""
    from functions.common.adapters.postgres.client import Postgres  # noqa: PLC0415 - only this command needs it
    from functions.common.adapters.postgres.migrations import migrate as apply  # noqa: PLC0415 - as above

    try:
        with closing(Postgres(database)) as postgres:
            applied = apply(postgres, folder)
    except Unavailable as error:
        raise failure_of(503, str(error)) from error
    except Rejected as error:
        raise Failure(str(error)) from error
    if as_json:
        print_json({"applied": list(applied)})
        return
    for name in applied:
        click.echo(f"applied {name}")
    click.echo("the database is up to date")
