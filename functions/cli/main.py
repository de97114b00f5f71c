"""The paas command."""

import click
from click.shell_completion import get_completion_class

from functions.cli.access import access
from functions.cli.account import join, login, logout, password, whoami
from functions.cli.apps import apps, git
from functions.cli.audit import attention, audit
from functions.cli.builds import builds
from functions.cli.config import config
from functions.cli.context import Session
from functions.cli.domains import domains
from functions.cli.events import dead_letters, events
from functions.cli.explain import explain
from functions.cli.git_credential import git_credential
from functions.cli.keys import keys
from functions.cli.logs import logs
from functions.cli.machine import down, up
from functions.cli.migrate import migrate
from functions.cli.notifications import notifications
from functions.cli.operations import deploy, limits, maintenance, open_, restart, scale, undeploy
from functions.cli.project import project
from functions.cli.push import push
from functions.cli.releases import previews, ps, releases, rollback
from functions.cli.run import run, runs
from functions.cli.setup import setup
from functions.cli.tokens import tokens
from functions.cli.usage import usage
from functions.cli.users import users


class ColonGroup(click.Group):
    """A group that also accepts `apps:show NAME` for `apps show NAME`."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command with this name, with or without a colon."""
        group, colon, rest = cmd_name.partition(":")
        found = super().get_command(ctx, group)
        if not colon or not isinstance(found, click.Group):
            return found if not colon else None
        return found.get_command(ctx, rest)


@click.group(cls=ColonGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--server", envvar="PAAS_SERVER", metavar="URL", help="The URL of the API. [PAAS_SERVER]")
@click.option("--token", envvar="PAAS_TOKEN", metavar="TOKEN", help="Your API token. [PAAS_TOKEN]")
@click.version_option(package_name="slipway")
@click.pass_context
def main(context: click.Context, server: str | None, token: str | None) -> None:
    """Push to deploy: apps, their config, releases and logs.

    Without --server and --token the platform on this machine is used, by .slipway/endpoints.json: the one in this
    folder or above it, else that of the installation. Log in with `paas login`.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 not allowed, 5 the server cannot be reached.
    """
    context.obj = Session(server=server, token=token)


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Print what makes a shell complete commands: `eval "$(paas completion bash)"` in its start file."""
    made = get_completion_class(shell)
    if made:
        click.echo(made(main, {}, "paas", "_PAAS_COMPLETE").source())


for _command in (
    access,
    apps,
    attention,
    audit,
    builds,
    completion,
    config,
    dead_letters,
    deploy,
    domains,
    down,
    events,
    explain,
    git,
    git_credential,
    join,
    keys,
    limits,
    login,
    logout,
    logs,
    maintenance,
    migrate,
    notifications,
    open_,
    password,
    previews,
    project,
    ps,
    push,
    releases,
    restart,
    rollback,
    run,
    runs,
    scale,
    setup,
    tokens,
    usage,
    undeploy,
    up,
    users,
    whoami,
):
    main.add_command(_command)

if __name__ == "__main__":
    main()
