"""paas project: apps as projects, for agents: create, deploy, status, domain and list, each with --json."""

import click

from functions.cli.client import quoted
from functions.cli.context import Session, json_option
from functions.cli.operations import deploy_app
from functions.cli.output import print_fields, print_json, print_table


@click.group()
def project() -> None:
    """Create, deploy and look at projects, as agents do: each command takes the name, and --json."""


@project.command()
@click.argument("name")
@json_option
@click.pass_obj
def create(session: Session, name: str, *, as_json: bool) -> None:
    """Create a project with a git repository and DNS, and print its clone URLs."""
    made = session.client().send("POST", "/project", {"name": name})
    if as_json:
        print_json(made)
        return
    print_fields({"SSH:": made["git_clone_ssh"], "HTTPS:": made["git_clone_http"], "URL:": made["url"]})
    click.echo(f"push a commit to the branch {made['branch']}, or run `paas project deploy {name}`", err=True)


@project.command()
@click.argument("name")
@click.option("--image", default="", metavar="REF", help="Deploy this image instead of the newest commit.")
@click.option("--wait/--no-wait", default=True, help="Return when it is live, or failed; at once otherwise.")
@click.option("--timeout", default=1800, show_default=True, type=click.IntRange(1), help="How many seconds to wait.")
@json_option
@click.pass_obj
def deploy(session: Session, name: str, image: str, *, wait: bool, timeout: int, as_json: bool) -> None:
    """Build and deploy the newest commit, and print the live URL."""
    fields = {"environment": "production", "image": image}
    deploy_app(session.client(), name, fields, timeout=timeout if wait else 0, as_json=as_json)


@project.command()
@click.argument("name")
@json_option
@click.pass_obj
def status(session: Session, name: str, *, as_json: bool) -> None:
    """Show the git repository, the deployment and the URLs of a project."""
    client = session.client()
    found = client.get(f"/project/{quoted(name)}")
    deployment = client.get(f"/projects/{quoted(name)}/deploy/status")
    if as_json:
        print_json({**found, "deployment": deployment})
        return
    ready = f"{deployment['ready_replicas']} of {deployment['replicas']} ready"
    shown = {
        "git SSH": found["git_clone_ssh"],
        "git HTTPS": found["git_clone_http"],
        "status": deployment["status"],
        "release": f"v{deployment['release']}" if deployment["release"] else "",
        "image": deployment["image"],
        "replicas": ready if deployment["release"] else "",
        "URL": found["url"],
        "domain": found["custom_domain"],
    }
    print_fields({"project": found["name"], **shown})


@project.command()
@click.argument("name")
@click.argument("host", metavar="CUSTOM-DOMAIN")
@json_option
@click.pass_obj
def domain(session: Session, name: str, host: str, *, as_json: bool) -> None:
    """Add a custom domain, and print what to point where."""
    answer = session.client().send("POST", f"/projects/{quoted(name)}/domain", {"domain": host})
    if as_json:
        print_json(answer)
        return
    click.echo(f"{answer['state']} {answer['domain']}: {answer['url']}")
    click.echo(answer["instructions"])


@project.command("list")
@json_option
@click.pass_obj
def list_(session: Session, *, as_json: bool) -> None:
    """List the projects with their status."""
    found = session.client().items("/project")
    if as_json:
        print_json(found)
        return
    rows = [(one["name"], one["deployment_status"], one["url"]) for one in found]
    print_table(("NAME", "STATUS", "URL"), rows, empty="no projects yet: create one with `paas project create NAME`")
