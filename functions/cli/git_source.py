"""paas git: where an app's code comes from."""

import click

from functions.cli.client import part
from functions.cli.context import Session, app_option, chosen_app, json_option
from functions.cli.failures import USAGE, Failure
from functions.cli.output import print_json


@click.command()
@click.option("--url", default="", help="The repository.")
@click.option("--branch", default="", help="The branch that feeds production.")
@app_option
@json_option
@click.pass_obj
def git(session: Session, url: str, branch: str, app: str | None, *, as_json: bool) -> None:
    """Set the repository or branch that feeds production."""
    wanted = {name: value for name, value in (("url", url), ("branch", branch)) if value}
    if not wanted:
        msg = "give --url, --branch or both"
        raise Failure(msg, USAGE)
    answer = session.client().send("PUT", f"/apps/{part(chosen_app(app))}/git", wanted)
    if as_json:
        print_json(answer)
        return
    click.echo(f"{answer['branch']} of {answer['git_url']} feeds production from its next push on")
