"""paas completion: what makes a shell complete commands and options."""

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion of a shell, for `eval "$(paas completion bash)"` in its start file."""
    made = get_completion_class(shell)
    if made:
        command = context.find_root().command
        click.echo(made(command, {}, "paas", "_PAAS_COMPLETE").source())
