"""What commands share: the server, the app that is meant, and the option --json."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from functions.cli.client import Client
from functions.cli.endpoint import Endpoint, find_endpoint
from functions.cli.failures import USAGE, Failure
from functions.cli.git_remote import app_of_remote

HOME = Path(__file__).parents[2]  # where `task up` of this very installation runs, whatever folder an app is in
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(slots=True)
class Session:
    """What --server and --token (or their variables) say; looked up when a command needs it."""

    server: str | None = None
    token: str | None = None

    def endpoint(self) -> Endpoint:
        """Return server and token. Raises Failure."""
        return find_endpoint(self.server, self.token, start=Path.cwd(), home=HOME)

    def client(self) -> Client:
        """Return the client of that server. Raises Failure."""
        endpoint = self.endpoint()
        return Client(server=endpoint.server, token=endpoint.token, ca=endpoint.ca)


def chosen_app(app: str | None) -> str:
    """Return --app, else the app of the clone's remote. Raises Failure when neither says."""
    name = app or app_of_remote()
    if not name:
        msg = "which app? give --app NAME, or run this in a clone with the git remote `paas`"
        raise Failure(msg, USAGE)
    return name


def json_option(command: F) -> F:
    """Add --json: one JSON document on stdout, and nothing else there."""
    return click.option("as_json", "--json", is_flag=True, help="Print JSON for machines.")(command)


def app_option(command: F) -> F:
    """Add --app."""
    return click.option("--app", metavar="NAME", help="The app; by default that of the git remote `paas`.")(command)


def environment_option(command: F) -> F:
    """Add --environment."""
    return click.option(
        "--environment", default="production", show_default=True, help="The environment: production or a preview."
    )(command)
