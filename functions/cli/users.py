"""paas users: users and invitations, for administrators."""

import click

from functions.cli.client import USAGE, Failure, quoted
from functions.cli.context import Session, json_option
from functions.cli.output import local_time, print_json, print_table


@click.group()
def users() -> None:
    """Invite, list, promote and remove users; for administrators."""


@users.command("list")
@json_option
@click.pass_obj
def list_(session: Session, *, as_json: bool) -> None:
    """List the users."""
    found = session.client().items("/users")
    if as_json:
        print_json(found)
        return
    rows = [
        (one["email"], "administrator" if one["administrator"] else "user", local_time(one["created_at"]))
        for one in found
    ]
    print_table(("EMAIL", "KIND", "CREATED"), rows, empty="no users: create the first with `paas setup`")


@users.command()
@click.argument("email")
@click.option("--administrator", is_flag=True, help="As an administrator, who sees and changes everything.")
@json_option
@click.pass_obj
def invite(session: Session, email: str, *, administrator: bool, as_json: bool) -> None:
    """Invite a user; the invitation is shown only once and expires after seven days."""
    answer = session.client().send("POST", "/invitations", {"email": email, "administrator": administrator})
    if as_json:
        print_json(answer)
        return
    click.echo(f"paas --server {session.endpoint().server} join {answer['token']}")
    until = local_time(answer["expires_at"])
    click.echo(f"give this command to {answer['email']}: it is not shown again; it works until {until}", err=True)


@users.command()
@json_option
@click.pass_obj
def invitations(session: Session, *, as_json: bool) -> None:
    """List the invitations that were not accepted yet."""
    found = session.client().get("/invitations")["items"]
    if as_json:
        print_json(found)
        return
    rows = [(one["email"], one["invited_by"], local_time(one["expires_at"])) for one in found]
    print_table(("EMAIL", "INVITED BY", "EXPIRES"), rows, empty="no open invitations")


@users.command()
@click.argument("email")
@json_option
@click.pass_obj
def uninvite(session: Session, email: str, *, as_json: bool) -> None:
    """Withdraw an invitation."""
    answer = session.client().send("DELETE", f"/invitations/{quoted(email)}")
    if as_json:
        print_json(answer)
        return
    click.echo(f"withdrew the invitation of {answer['withdrawn']}")


@users.command()
@click.argument("email")
@json_option
@click.pass_obj
def promote(session: Session, email: str, *, as_json: bool) -> None:
    """Make a user an administrator."""
    _change(session, email, administrator=True, as_json=as_json)


@users.command()
@click.argument("email")
@json_option
@click.pass_obj
def demote(session: Session, email: str, *, as_json: bool) -> None:
    """Make an administrator a user again."""
    _change(session, email, administrator=False, as_json=as_json)


@users.command()
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def remove(session: Session, email: str, *, yes: bool, as_json: bool) -> None:
    """Remove a user with all tokens and SSH keys."""
    if not yes and not click.confirm(f"remove {email} with all tokens and SSH keys?", err=True):
        msg = "nothing was removed (--yes skips the question)"
        raise Failure(msg, USAGE)
    answer = session.client().send("DELETE", f"/users/{quoted(email)}")
    if as_json:
        print_json(answer)
        return
    click.echo(f"removed {answer['removed']}")


def _change(session: Session, email: str, *, administrator: bool, as_json: bool) -> None:
    answer = session.client().send("PATCH", f"/users/{quoted(email)}", {"administrator": administrator})
    if as_json:
        print_json(answer)
        return
    click.echo(f"{answer['email']} is {'an administrator' if answer['administrator'] else 'a user'} now")
