"""Apps and their git source."""

from typing import Any

import click

from functions.cli.client import USAGE, Failure, part
from functions.cli.context import (
    REMOTE,
    Session,
    add_remote,
    app_option,
    chosen_app,
    is_clone,
    json_option,
    stand_for,
    with_credentials,
)
from functions.cli.output import moment, print_fields, print_json, print_table

# paas apps: create, list, show, delete.

_ADVICE = {
    "added": f"added the git remote `{REMOTE}`: deploy with `git push {REMOTE} {{branch}}`",
    "kept": f"the git remote `{REMOTE}` is there: deploy with `git push {REMOTE} {{branch}}`",
    "other": f"the git remote `{REMOTE}` leads elsewhere and was left alone: "
    f"`git remote set-url {REMOTE} {{url}}` makes it lead to this app",
}


@click.group()
def apps() -> None:
    """Make, list, show and delete apps."""


@apps.command()
@click.argument("name")
@click.option("--git-url", default="", metavar="URL", help="Deploy from this repository; by default one is made.")
@click.option("--branch", default="main", show_default=True, help="The branch that feeds production.")
@click.option("--path", "paths", multiple=True, metavar="GLOB", help="Deploy only pushes that touch this; repeatable.")
@json_option
@click.pass_obj
def create(session: Session, name: str, git_url: str, branch: str, paths: tuple[str, ...], *, as_json: bool) -> None:
    """Make an app; in a clone also add the git remote `paas`."""
    body: dict[str, Any] = {"name": name, "branch": branch, "paths": list(paths)}
    endpoint = session.endpoint()
    app = session.client().send("POST", "/apps", {**body, **({"git_url": git_url} if git_url else {})})
    remote = add_remote(with_credentials(app["git_url"], endpoint.git)) if is_clone() else "none"
    meant = stand_for(app["name"]) if remote in {"added", "kept"} else app["name"]
    if as_json:
        print_json({**app, "remote": remote})
        return
    click.echo(f"app {app['name']} is made: {app['url']}")
    advice = _ADVICE.get(remote, "push to it: git push {url} HEAD:{branch}")
    click.echo(advice.format(branch=app["branch"], url=app["git_url"]))
    if meant != app["name"]:
        click.echo(f"commands in this clone go on meaning the app {meant}: give --app {app['name']} for this one")
    if app.get("queued"):
        click.echo("the broker does not answer now: its names and certificate follow when it does", err=True)


@apps.command("list")
@json_option
@click.pass_obj
def list_(session: Session, *, as_json: bool) -> None:
    """List the apps."""
    found = session.client().items("/apps")
    if as_json:
        print_json(found)
        return
    rows = [(app["name"], app["state"], f"v{app['release']}" if app["release"] else "", app["url"]) for app in found]
    print_table(("NAME", "STATE", "RELEASE", "URL"), rows, empty="no apps yet: make one with `paas apps create NAME`")


@apps.command()
@click.argument("name", required=False)
@json_option
@click.pass_obj
def show(session: Session, name: str | None, *, as_json: bool) -> None:
    """Show an app."""
    app = session.client().get(f"/apps/{part(chosen_app(name))}")
    if as_json:
        print_json(app)
        return
    release = f"v{app['release']}" if app["release"] else "none"
    shown = {"created": moment(app["created_at"]), "release": release, "state": app["state"]}
    skipped = {"created_at", "domain", *shown}
    print_fields({**{key.replace("_", " "): value for key, value in app.items() if key not in skipped}, **shown})


@apps.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def delete(session: Session, name: str, *, yes: bool, as_json: bool) -> None:
    """Delete an app, its environments, releases, config and, if the platform made it, its repository."""
    if not yes and click.prompt(f"type {name} to delete it for good", default="", err=True) != name:
        msg = "nothing was deleted: the name was not repeated (--yes does not ask)"
        raise Failure(msg, USAGE)
    answer = session.client().send("DELETE", f"/apps/{part(name)}")
    if as_json:
        print_json(answer)
        return
    click.echo(f"app {answer['deleted']} is deleted")


# paas git: where an app's code comes from.


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
