"""paas login, logout, whoami, password and join: your account."""

import socket
import sys

import click

from functions.cli.client import Json
from functions.cli.context import Session, json_option
from functions.cli.output import local_time, print_fields, print_json

password_option = click.option(
    "--password-stdin", "from_stdin", is_flag=True, help="Read each password as a line of standard input."
)


def ask_password(text: str, *, from_stdin: bool, is_new: bool = False) -> str:
    """Return a password from standard input or the terminal; there a new one is asked twice."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt(text, hide_input=True, confirmation_prompt=is_new, err=True)
    return password


@click.command()
@click.option("--email", default="", metavar="EMAIL", help="Your email; asked by default.")
@password_option
@click.option("--token-stdin", is_flag=True, help="Read a token of yours from standard input instead.")
@json_option
@click.pass_obj
def login(session: Session, email: str, *, from_stdin: bool, token_stdin: bool, as_json: bool) -> None:
    """Log in. The token is stored on this machine for this server; that of a password expires after 30 days."""
    if token_stdin:
        _keep_token(session, sys.stdin.readline().strip(), as_json=as_json)
        return
    email = email or click.prompt("email", err=True)
    password = ask_password("password", from_stdin=from_stdin)
    body: Json = {"email": email, "password": password, "client": _client()}
    _keep(session, session.client(anonymous=True).send("POST", "/auth/login", body), as_json=as_json)


@click.command()
@click.argument("invitation")
@password_option
@json_option
@click.pass_obj
def join(session: Session, invitation: str, *, from_stdin: bool, as_json: bool) -> None:
    """Accept an invitation: choose a password and log in."""
    body: Json = {"token": invitation, "password": ask_password("new password", from_stdin=from_stdin, is_new=True)}
    _keep(session, session.client(anonymous=True).send("POST", "/auth/invitation", body), as_json=as_json)


@click.command()
@json_option
@click.pass_obj
def logout(session: Session, *, as_json: bool) -> None:
    """Log out: revoke the token and remove it from this machine."""
    server = session.endpoint().server
    answer = session.client().send("POST", "/auth/logout")
    session.credentials.remove(server)
    if as_json:
        print_json(answer)
        return
    click.echo(f"logged out of {server}")


@click.command()
@password_option
@json_option
@click.pass_obj
def password(session: Session, *, from_stdin: bool, as_json: bool) -> None:
    """Change your password; your other logins end."""
    current = ask_password("current password", from_stdin=from_stdin)
    new = ask_password("new password", from_stdin=from_stdin, is_new=True)
    answer = session.client().send("PUT", "/auth/password", {"current": current, "new": new})
    if as_json:
        print_json(answer)
        return
    click.echo(f"changed the password of {answer['changed']}")


@click.command()
@json_option
@click.pass_obj
def whoami(session: Session, *, as_json: bool) -> None:
    """Show whom the token belongs to and what it allows."""
    answer = session.client().get("/whoami")
    if as_json:
        print_json(answer)
        return
    user = answer["user"] or {"email": "none: a token of the platform", "administrator": False}
    print_fields(
        {
            "user": user["email"],
            "administrator": "yes" if user["administrator"] else "",
            "token": answer["name"],
            "scope": answer["scope"],
            "app": answer["app"],
            "expires": local_time(answer["expires_at"]),
        }
    )


def _client() -> str:
    return f"paas on {socket.gethostname()}"[:100]


def _keep_token(session: Session, token: str, *, as_json: bool) -> None:
    """Store a token that the API knows, and say whose it is."""
    server = session.endpoint(anonymous=True).server
    me = Session(server=session.server, token=token).client().get("/whoami")
    user = me["user"] or {"email": "", "administrator": False}
    session.credentials.store(server, token=token, email=user["email"])
    if as_json:
        print_json({"server": server, "user": user, "expires_at": me["expires_at"]})
        return
    until = f", until {local_time(me['expires_at'])}" if me["expires_at"] else ""
    click.echo(f"logged in to {server} as {user['email'] or me['name']}{until}")


def _keep(session: Session, answer: Json, *, as_json: bool) -> None:
    """Store the token of a login, and say so."""
    data, server = answer["data"], session.endpoint(anonymous=True).server
    session.credentials.store(server, token=data["access_token"], email=data["user"]["email"])
    if as_json:
        print_json({"server": server, "user": data["user"], "expires_at": data["expires_at"]})
        return
    click.echo(f"logged in to {server} as {data['user']['email']}, until {local_time(data['expires_at'])}")
