"""paas setup: creates the first administrator; like `paas migrate` it connects to PostgreSQL instead of the API."""

from contextlib import closing
from pathlib import Path

import click

from functions.cli.account import ask_password, password_option
from functions.cli.client import USAGE, Failure, failure_of
from functions.cli.context import HOME, json_option, known_database
from functions.cli.migrate import MIGRATIONS
from functions.cli.output import print_json
from functions.common.errors import Rejected, Unavailable

SHORTEST_PASSWORD = 12


@click.command()
@click.option(
    "--database", envvar="DATABASE_URL", metavar="DSN", help="PostgreSQL; by default that of `task up`. [DATABASE_URL]"
)
@click.option("--email", default="", metavar="EMAIL", help="The administrator's email; asked by default.")
@password_option
@json_option
def setup(database: str | None, email: str, *, from_stdin: bool, as_json: bool) -> None:
    """Create the first administrator, once. Others are invited with `paas users invite`.

    Apps without an owner become the administrator's. On a cluster run it where DATABASE_URL is known, for example in
    a pod of Slipway's image.
    """
    dsn = database or known_database(start=Path.cwd(), home=HOME)
    address = (email or click.prompt("email", err=True)).strip().lower()
    if "@" not in address.strip("@"):
        msg = f"{address!r} is not an email"
        raise Failure(msg, USAGE)
    password = ask_password("new password", from_stdin=from_stdin, is_new=True)
    if len(password) < SHORTEST_PASSWORD:
        msg = f"the password must have at least {SHORTEST_PASSWORD} characters"
        raise Failure(msg, USAGE)
    created = _create(dsn, address, password)
    if as_json:
        print_json({"email": created, "administrator": True})
        return
    click.echo(f"created the administrator {created}: log in with `paas login --email {created}`")


def _create(dsn: str, email: str, password: str) -> str:
    from functions.common.adapters.passwords import Argon2Passwords  # noqa: PLC0415 - only this command needs it
    from functions.common.adapters.postgres.client import Postgres  # noqa: PLC0415 - as above
    from functions.common.adapters.postgres.migrations import migrate  # noqa: PLC0415 - as above
    from functions.common.adapters.postgres.users import PostgresUsers  # noqa: PLC0415 - as above

    try:
        with closing(Postgres(dsn)) as postgres:
            migrate(postgres, MIGRATIONS)
            user = PostgresUsers(database=postgres).add_first(email, password=Argon2Passwords().hash(password))
    except Unavailable as error:
        raise failure_of(503, str(error)) from error
    except Rejected as error:
        raise Failure(str(error)) from error
    if user is None:
        msg = "there is an administrator already: log in with `paas login`, invite others with `paas users invite`"
        raise Failure(msg)
    return user.email
