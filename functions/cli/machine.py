"""The platform on this machine: up and down. Each command becomes the process that does it, and so gets its signals."""

import os
import sys

import click

_PASSED_ON = {"ignore_unknown_options": True, "help_option_names": []}


@click.command(context_settings=_PASSED_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def up(arguments: tuple[str, ...]) -> None:
    """Run the platform on this machine until SIGINT or SIGTERM; `paas up --help` lists its options."""
    _become("functions.local.up", arguments)


@click.command(context_settings=_PASSED_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def down(arguments: tuple[str, ...]) -> None:
    """Stop the platform of a state folder, wherever it was started."""
    _become("functions.local.down", arguments)


def _become(module: str, arguments: tuple[str, ...]) -> None:
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - no shell is wanted
