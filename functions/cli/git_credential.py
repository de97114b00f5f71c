"""paas git-credential: gives git the access token of your login, so that none is written into a URL or a file of git.

https://git-scm.com/docs/gitcredentials describes the protocol.
"""

import shlex
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click

from functions.cli.client import Failure
from functions.cli.context import Session, configure

USER = "slipway"  # the git server takes any user name


@click.command("git-credential", hidden=True)
@click.option("--for", "base", required=True, metavar="URL", help="The git server that may get the token.")
@click.argument("operation")
@click.pass_obj
def git_credential(session: Session, base: str, operation: str) -> None:
    """Answer git's question for a user name and a password; git calls this by the setting that `paas` makes."""
    asked = dict(line.partition("=")[::2] for line in sys.stdin.read().splitlines())
    parts = urlsplit(base)
    if operation != "get" or (asked.get("protocol"), asked.get("host")) != (parts.scheme, parts.netloc):
        return
    try:
        token = session.endpoint().token
    except Failure as failure:
        click.echo("quit=1")  # git would ask for a user name, which helps nobody here
        raise Failure(failure.message, failure.exit_code) from failure
    click.echo(f"username={asked.get('username') or USER}\npassword={token}")


def install_helper(base: str, server: str) -> None:
    """Let git in this clone ask `paas` for the password of the git server at `base`. Raises Failure."""
    key = f"credential.{base}.helper"
    configure("--replace-all", key, "")  # an empty one removes the user's own helpers, which would store the token
    configure("--add", key, _command(base, server))


def _command(base: str, server: str) -> str:
    script = Path(sys.executable).with_name("paas")
    paas = [str(script)] if script.is_file() else [sys.executable, "-m", "functions.cli.main"]
    command = shlex.join([*paas, "--server", server, "git-credential", "--for", base])
    return f'!f() {{ test "$1" != get || {command} get; }}; f'  # no process for git's `store` and `erase`
