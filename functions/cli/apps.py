"""paas apps and paas git: apps and their git source."""

from typing import Any
from urllib.parse import urlsplit

import click

from functions.cli.client import THIS_MACHINE, USAGE, Failure, quoted
from functions.cli.context import (
    REMOTE,
    Endpoint,
    Session,
    add_remote,
    app_option,
    chosen_app,
    default_branch,
    is_clone,
    json_option,
    use_app,
)
from functions.cli.git_credential import install_helper
from functions.cli.output import local_time, print_fields, print_json, print_table

_ADVICE = {
    "added": f"added the git remote `{REMOTE}`: deploy with `git push {REMOTE} {{branch}}`",
    "kept": f"the git remote `{REMOTE}` exists already: deploy with `git push {REMOTE} {{branch}}`",
    "other": f"the git remote `{REMOTE}` has another URL and was not changed: "
    f"point it at this app with `git remote set-url {REMOTE} {{url}}`",
}


@click.group()
def apps() -> None:
    """Create, list, show and delete apps."""


@apps.command()
@click.argument("name")
@click.option("--git-url", default="", metavar="URL", help="Deploy from this repository; by default one is created.")
@click.option("--branch", default="", help="The branch that feeds production: main, or a clone's master.")
@click.option("--path", "paths", multiple=True, metavar="GLOB", help="Deploy only pushes that touch this; repeatable.")
@click.option("--root", default="", metavar="DIR", help="The app's folder in the repository; by default its top.")
@json_option
@click.pass_obj
def create(session: Session, /, *, paths: tuple[str, ...], as_json: bool, **given: str) -> None:
    """Create an app; in a clone also add the git remote `paas`."""
    body: dict[str, Any] = {key: value for key, value in given.items() if value}
    body.setdefault("branch", default_branch() if is_clone() and not body.get("git_url") else "main")
    endpoint = session.endpoint()
    app = session.client().send("POST", "/apps", {**body, "paths": list(paths)})
    remote, current = _connect(app, endpoint) if is_clone() else ("none", app["name"])
    if as_json:
        print_json({**app, "remote": remote})
        return
    click.echo(f"created app {app['name']}: {app['url']}")
    advice = _ADVICE.get(remote, "deploy with `git push {url} HEAD:{branch}`")
    click.echo(advice.format(branch=app["branch"], url=app["git_url"]))
    if app["webhook_secret"]:
        click.echo(f"add a webhook to the repository, for {app['webhook_url']}, content type JSON, with the secret")
        click.echo(
            f"  {app['webhook_secret']}  (shown only now; `paas apps webhook {app['name']} --rotate` makes another)"
        )
    if current != app["name"]:
        click.echo(f"commands in this clone still use the app {current}: give --app {app['name']} for this one")
    if app.get("queued"):
        click.echo("the broker does not answer: the app's DNS record and certificate follow when it does", err=True)


@apps.command()
@click.argument("name")
@json_option
@click.pass_obj
def remote(session: Session, name: str, *, as_json: bool) -> None:
    """Add the git remote `paas` of an app to this clone; git gets your token from `paas`."""
    if not is_clone():
        msg = "this is no git repository: run it in a clone, or begin one with `git init`"
        raise Failure(msg, USAGE)
    endpoint = session.endpoint()
    app = session.client().get(f"/apps/{quoted(name)}")
    found, current = _connect(app, endpoint)
    if as_json:
        print_json({**app, "remote": found})
        return
    click.echo(_ADVICE[found].format(branch=app["branch"], url=app["git_url"]))
    if current != app["name"]:
        click.echo(f"commands in this clone still use the app {current}: give --app {app['name']} for this one")


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
    print_table(("NAME", "STATE", "RELEASE", "URL"), rows, empty="no apps yet: create one with `paas apps create NAME`")


@apps.command()
@click.argument("name", required=False)
@json_option
@click.pass_obj
def show(session: Session, name: str | None, *, as_json: bool) -> None:
    """Show an app."""
    app = session.client().get(f"/apps/{quoted(chosen_app(name))}")
    if as_json:
        print_json(app)
        return
    release = f"v{app['release']}" if app["release"] else "none"
    shown = {"created": local_time(app["created_at"]), "release": release, "state": app["state"]}
    skipped = {"created_at", "domain", *shown}
    print_fields({**{key.replace("_", " "): value for key, value in app.items() if key not in skipped}, **shown})


@apps.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def delete(session: Session, name: str, *, yes: bool, as_json: bool) -> None:
    """Delete an app, its environments, releases and config, and its repository if the platform created it."""
    if not yes and click.prompt(f"type {name} to delete it permanently", default="", err=True) != name:
        msg = "nothing was deleted: the typed name is not the app's (--yes skips the question)"
        raise Failure(msg, USAGE)
    answer = session.client().send("DELETE", f"/apps/{quoted(name)}")
    if as_json:
        print_json(answer)
        return
    click.echo(f"deleted app {answer['deleted']}")


@apps.command()
@click.argument("name", required=False)
@click.option("--rotate", is_flag=True, help="Make a new secret, which is shown once; the old one ends at once.")
@click.option("--shared", is_flag=True, help="Accept the secret of the forge's setting instead of one of the app.")
@json_option
@click.pass_obj
def webhook(session: Session, name: str | None, *, rotate: bool, shared: bool, as_json: bool) -> None:
    """Show where the forge of an app sends its webhook, and make the secret that signs it."""
    if rotate and shared:
        msg = "give --rotate or --shared, not both"
        raise Failure(msg, USAGE)
    path, method = f"/apps/{quoted(chosen_app(name))}/webhook", "POST" if rotate else "DELETE"
    found = session.client().send(method, path) if rotate or shared else session.client().get(path)
    if as_json:
        print_json(found)
        return
    click.echo(f"URL     {found['url'] or 'the app has no repository'}")
    if found["secret"]:
        click.echo(f"secret  {found['secret']} (shown only now)")
    elif found["own_secret"]:
        click.echo("secret  one of the app's own: `--rotate` makes a new one and shows it")
    else:
        click.echo("secret  that of the forge, PAAS_WEBHOOK_SECRET: `--rotate` makes one for this app alone")


@click.command()
@click.option("--url", default="", help="The repository.")
@click.option("--branch", default="", help="The branch that feeds production.")
@click.option("--root", default="", metavar="DIR", help="The app's folder in the repository; `.` is its top.")
@click.option("--push-follow", type=click.Choice(["on", "off"]), help="Whether `git push` prints build and release.")
@app_option
@json_option
@click.pass_obj
def git(session: Session, /, *, push_follow: str | None, app: str | None, as_json: bool, **given: str) -> None:
    """Set the repository, branch or folder that feeds production, and whether `git push` follows what it causes."""
    source = {name: value for name, value in given.items() if value}
    wanted: dict[str, Any] = source | ({"push_follow": push_follow == "on"} if push_follow else {})
    if not wanted:
        msg = "give --url, --branch, --root or --push-follow"
        raise Failure(msg, USAGE)
    answer = session.client().send("PUT", f"/apps/{quoted(chosen_app(app))}/git", wanted)
    if as_json:
        print_json(answer)
        return
    if push_follow:
        click.echo(f"`git push` {'prints' if answer['push_follow'] else 'does not print'} the build and the release")
    if source:
        where = f", folder {answer['root']}," if answer["root"] else ""
        text = f"the branch {answer['branch']} of {answer['git_url']}{where} feeds production, from its next push on"
        click.echo(text)


def _connect(app: dict[str, Any], endpoint: Endpoint) -> tuple[str, str]:
    """Add the remote of an app to this clone; return what add_remote does, and the app that commands here use."""
    url = app["git_url"]
    remote = add_remote(url)
    if remote == "other":
        return remote, str(app["name"])
    parts = urlsplit(url)
    if parts.hostname in THIS_MACHINE and urlsplit(endpoint.server).hostname in THIS_MACHINE:  # its own git server
        install_helper(f"{parts.scheme}://{parts.netloc}", endpoint.server)
    return remote, use_app(app["name"])
