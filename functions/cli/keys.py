"""paas keys: SSH keys for git."""

from pathlib import Path

import click

from functions.cli.client import NOT_FOUND, USAGE, Failure, quoted
from functions.cli.context import Session, json_option
from functions.cli.output import local_time, print_json, print_table


@click.group()
def keys() -> None:
    """Add, remove and list your SSH keys."""


@keys.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option("--name", default="", help="A name to remember it by; by default the key's comment.")
@json_option
@click.pass_obj
def add(session: Session, file: Path | None, name: str, *, as_json: bool) -> None:
    """Add the public key in FILE, by default ~/.ssh/id_ed25519.pub."""
    path = file or Path.home() / ".ssh" / "id_ed25519.pub"
    try:
        line = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path} cannot be read ({error}): create a key with `ssh-keygen -t ed25519`, or give its .pub file"
        raise Failure(msg, USAGE) from error
    if "PRIVATE KEY" in line:
        msg = f"{path} is a private key, which must never leave your machine: give the file {path.name}.pub"
        raise Failure(msg, USAGE)
    answer = session.client().send("POST", "/auth/ssh-keys", {"name": name, "public_key": line})
    if as_json:
        print_json(answer)
        return
    click.echo(f"added {answer['name']}: {answer['fingerprint']}")


@keys.command()
@click.argument("key")
@json_option
@click.pass_obj
def remove(session: Session, key: str, *, as_json: bool) -> None:
    """Remove the key with this name, fingerprint or id."""
    client = session.client()
    found = [
        one for one in client.get("/auth/ssh-keys")["items"] if key in {one["name"], one["fingerprint"], one["id"]}
    ]
    if not found:
        msg = f"you have no SSH key {key!r}: see `paas keys list`"
        raise Failure(msg, NOT_FOUND)
    answer = client.send("DELETE", f"/auth/ssh-keys/{quoted(found[0]['id'])}")
    if as_json:
        print_json(answer)
        return
    click.echo(f"removed {answer['name']}: {answer['fingerprint']}")


@keys.command("list")
@json_option
@click.pass_obj
def list_(session: Session, *, as_json: bool) -> None:
    """List your keys."""
    found = session.client().get("/auth/ssh-keys")["items"]
    if as_json:
        print_json(found)
        return
    rows = [(one["name"], one["fingerprint"], local_time(one["added_at"]), one["forge"]) for one in found]
    print_table(("NAME", "FINGERPRINT", "ADDED", "FORGE"), rows, empty="no keys yet: add one with `paas keys add`")
