"""paas run and paas runs: one-off commands in the image and config of the live release."""

import base64
import os
import select
import shutil
import signal
import sys
import termios
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

import click

from functions.cli.client import FAILED, Client, Failure, Json, Unreachable, quoted
from functions.cli.context import Session, app_option, chosen_app, environment_option, json_option
from functions.cli.output import local_time, print_json, print_table

_INPUT = 32 * 1024
_PAUSE = 0.2


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="CMD...")
@app_option
@environment_option
@click.option("--timeout", default=3600, show_default=True, type=click.IntRange(1, 86400), help="Seconds it may take.")
@click.option("--no-tty", is_flag=True, help="Give it no terminal, even where this is one.")
@click.option("--no-input", is_flag=True, help="Give it no input, even where something is piped in.")
@click.option("--detach", is_flag=True, help="Print its id and do not wait for it.")
@click.pass_obj
def run(
    session: Session,
    command: tuple[str, ...],
    *,
    app: str | None,
    environment: str,
    timeout: int,
    no_tty: bool,
    no_input: bool,
    detach: bool,
) -> None:
    """Run a one-off command with the release's image and config; its exit code is that of paas.

    On one machine it reads from here, with a terminal where this is one. On a cluster it is a Job without a terminal:
    it reads what is piped in, at most 1 MiB, and starts when that has ended.
    Options of paas come before the command: `paas run --app shop python manage.py migrate`.
    """
    client, size = session.client(), shutil.get_terminal_size()
    has_terminal = sys.stdin.isatty() and sys.stdout.isatty() and not (no_tty or no_input)
    body: Json = {
        "command": list(command),
        "environment": environment,
        "tty": has_terminal and not detach,
        "interactive": not (detach or no_input),
        "columns": min(size.columns, 1000),
        "rows": min(size.lines, 1000),
        "timeout": timeout,
    }
    started = client.send("POST", f"/apps/{quoted(chosen_app(app))}/runs", body)
    if detach:
        click.echo(started["id"])
        return
    if started["state"] == "waiting" and sys.stdin.isatty():
        client.send("POST", _path(started, "/input"), {"eof": True})
        if has_terminal:
            click.echo("a cluster gives commands no terminal: this one reads no input, unless it is piped in", err=True)
        sys.exit(_print_output(client, _path(started), started))
    sys.exit(_attend(client, started))


@click.group()
def runs() -> None:
    """List one-off commands, show their output, and end them."""


@runs.command("list")
@app_option
@json_option
@click.pass_obj
def list_(session: Session, app: str | None, *, as_json: bool) -> None:
    """List the newest one-off commands of an app."""
    found: list[Json] = session.client().get(f"/apps/{quoted(chosen_app(app))}/runs")["items"]
    if as_json:
        print_json(found)
        return
    rows = [
        (one["id"], one["state"], one["exit_code"], f"v{one['release']}", local_time(one["created_at"]), one["actor"])
        for one in found
    ]
    print_table(("RUN", "STATE", "EXIT", "RELEASE", "STARTED", "BY"), rows, empty="no commands: try `paas run env`")


@runs.command()
@click.argument("number", metavar="RUN")
@app_option
@click.pass_obj
def output(session: Session, number: str, app: str | None) -> None:
    """Print the output of a one-off command until it ends; its exit code is that of paas."""
    client = session.client()
    sys.exit(_attend(client, client.get(f"/apps/{quoted(chosen_app(app))}/runs/{quoted(number)}"), listens=False))


@runs.command()
@click.argument("number", metavar="RUN")
@app_option
@json_option
@click.pass_obj
def stop(session: Session, number: str, app: str | None, *, as_json: bool) -> None:
    """End a one-off command."""
    answer = session.client().send("DELETE", f"/apps/{quoted(chosen_app(app))}/runs/{quoted(number)}")
    if as_json:
        print_json(answer)
        return
    click.echo(f"ending {answer['stopping']}")


def _path(run: Json, rest: str = "") -> str:
    return f"/apps/{quoted(run['app'])}/runs/{quoted(run['id'])}{rest}"


def _attend(client: Client, run: Json, *, listens: bool = True) -> int:
    """Print the run's output and send it the input until it has ended; return its exit code."""
    path = _path(run)
    if not (listens and run["interactive"]):
        return _print_output(client, path, run)
    keyboard = _Keyboard(client=client, path=_path(run, "/input"))
    with keyboard.listening(raw=bool(run["tty"])):
        return _print_output(client, path, run)


def _print_output(client: Client, path: str, run: Json) -> int:
    offset = 0
    try:
        while True:
            found = client.follow(f"{path}/output", offset=offset, wait="true")
            sys.stdout.buffer.write(base64.b64decode(found["data"]))
            sys.stdout.buffer.flush()
            offset = found["next_offset"]
            if found["exit_code"] is not None:
                if found["reason"]:
                    click.echo(f"\rthe command was ended: {found['reason']}", err=True)
                return int(found["exit_code"])
    except KeyboardInterrupt:
        with suppress(Failure):
            client.send("DELETE", path)
        msg = f"the command is being ended: see `paas runs output {run['id']} --app {run['app']}`"
        raise Failure(msg, FAILED) from None


@dataclass(slots=True, kw_only=True)
class _Keyboard:
    """Sends what is typed or piped here to a run."""

    client: Client
    path: str
    _stop: threading.Event = field(default_factory=threading.Event)
    _resized: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def listening(self, *, raw: bool) -> Iterator[None]:
        """Send the input in the background; with `raw` each key as it is, Ctrl-C too."""
        thread = threading.Thread(target=self._send, daemon=True)
        with _raw_terminal() if raw else nullcontext(), self._sizes() if raw else nullcontext():
            thread.start()
            try:
                yield
            finally:
                self._stop.set()
                thread.join(timeout=_PAUSE * 2)

    @contextmanager
    def _sizes(self) -> Iterator[None]:
        before = signal.signal(signal.SIGWINCH, lambda *_: self._resized.set())
        try:
            yield
        finally:
            signal.signal(signal.SIGWINCH, before)

    def _send(self) -> None:
        number, given = sys.stdin.fileno(), 0
        with suppress(Failure, OSError):
            while not self._stop.is_set():
                if self._resized.is_set():
                    self._resized.clear()
                    size = shutil.get_terminal_size()
                    self._post(columns=size.columns, rows=size.lines)
                if not select.select([number], [], [], _PAUSE)[0]:
                    continue
                data = os.read(number, _INPUT)
                self._post(data=base64.b64encode(data).decode(), offset=given, eof=not data)
                given += len(data)
                if not data:
                    return

    def _post(self, **fields: Any) -> None:  # noqa: ANN401 - of the request
        while not self._stop.is_set():
            try:
                self.client.send("POST", self.path, fields)
            except Unreachable:
                self._stop.wait(_PAUSE)
            else:
                return


@contextmanager
def _raw_terminal() -> Iterator[None]:
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    try:
        tty.setraw(number, termios.TCSADRAIN)  # what was typed already is kept
        yield
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)
