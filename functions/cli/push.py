"""paas push: pushes by git, and follows the build and the release to their end."""

import subprocess
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import click

from functions.cli.client import FAILED, NOT_FOUND, THIS_MACHINE, USAGE, Client, Failure, Json, poll, quoted
from functions.cli.context import (
    REMOTE,
    Session,
    app_option,
    branch_of_clone,
    chosen_app,
    commit_of_clone,
    head_at_remote,
    remote_url,
)
from functions.cli.explain import print_not_started, print_verdict, states, step_line
from functions.cli.logs import indented_line
from functions.cli.output import short_sha

_PAUSE = 0.5
_WEBHOOK_SECONDS = 120.0  # a forge sends its webhook within seconds; reconcile finds the push where it does not
_RECENT = 20
_DUPLICATE = "duplicate"


@click.command()
@click.argument("branch", required=False)
@app_option
@click.option("--force", is_flag=True, help="Push with git's --force-with-lease.")
@click.option(
    "--follow/--no-follow", default=True, help="Follow the build and the release; return after git otherwise."
)
@click.option("--timeout", default=1800.0, show_default=True, type=click.FloatRange(min=0), help="Seconds to follow.")
@click.pass_obj
def push(session: Session, branch: str | None, app: str | None, timeout: float, *, force: bool, follow: bool) -> None:
    """Push HEAD to the git remote `paas`, and follow the build and the release to their end.

    BRANCH is the branch there, by default the current one. The exit code is 0 only when the push is live, or its commit
    was before; git's when git fails.
    """
    name, client, target = chosen_app(app), session.client(), branch or branch_of_clone()
    sha = commit_of_clone("HEAD")
    if not (target and sha and remote_url()):
        raise Failure(_what_is_missing(sha, target), USAGE)
    is_there = head_at_remote(target) == sha
    known = {one["id"] for one in _pushes(client, name, target)} if follow and not is_there else set()
    _git_push(target, force=force)
    if not follow:
        click.echo(f"follow it with `paas explain {short_sha(sha)} --wait`", err=True)
        return
    if is_there:
        click.echo(f"{target} was at {short_sha(sha)} already: this is its last push", err=True)
    number = _await_push(client, name, target, sha=sha, known=known)
    ended = Following(client=client, app=name).until_end(number, timeout)
    print_verdict(ended)
    print_not_started(client, [ended])
    if not ended["final"]:
        msg = f"not final after {timeout:g} s: wait on with `paas explain {short_sha(sha)} --wait`"
        raise Failure(msg)
    if ended["state"] != "live" and not (ended["code"] == _DUPLICATE and _is_live(client, name, sha)):
        raise SystemExit(FAILED)


def _what_is_missing(sha: str, target: str) -> str:
    if not sha:
        return "there is no commit here: run it in a clone with a commit"
    if not target:
        return "HEAD is on no branch: name the one to push to, `paas push main`"
    return f"there is no git remote `{REMOTE}`: add that of the app with `paas apps remote NAME`"


def _git_push(branch: str, *, force: bool) -> None:
    """Run git with its own output. The git server of this machine would follow the push too."""
    options = [*(["--force-with-lease"] if force else [])]
    options += ["--push-option=no-follow"] if urlsplit(remote_url()).hostname in THIS_MACHINE else []
    try:
        ran = subprocess.run(["git", "push", *options, REMOTE, f"HEAD:refs/heads/{branch}"], check=False)
    except OSError as error:
        msg = f"git cannot be started: {error.strerror}"
        raise Failure(msg) from error
    if ran.returncode:
        raise SystemExit(ran.returncode if ran.returncode > 0 else FAILED)


def _pushes(client: Client, app: str, branch: str) -> list[Json]:
    found: list[Json] = client.get(f"/apps/{quoted(app)}/pushes", branch=branch, limit=_RECENT)["items"]
    return found


def _await_push(client: Client, app: str, branch: str, *, sha: str, known: set[str]) -> str:
    """Return the id of the newest push of a commit that is none of those. Raises Failure when none becomes known."""
    end, said = time.monotonic() + _WEBHOOK_SECONDS, False
    for _ in poll(_PAUSE):
        if found := [one for one in _pushes(client, app, branch) if one["sha"] == sha and one["id"] not in known]:
            return str(found[0]["id"])
        if problem := _refusal(client, sha):
            raise Failure(problem)
        if time.monotonic() >= end:
            break
        if not said:
            until = datetime.now().astimezone() + timedelta(seconds=_WEBHOOK_SECONDS)
            click.echo(f"no webhook reported {short_sha(sha)} yet; waiting until {until:%H:%M:%S}", err=True)
            said = True
    msg = (
        f"git took the push, but {app} knows none of {short_sha(sha)} after {_WEBHOOK_SECONDS:g} s: check at the forge "
        f"that the webhook was delivered, and that `{REMOTE}` is the repository of {app} (`paas apps show {app}`)"
    )
    raise Failure(msg, NOT_FOUND)


def _refusal(client: Client, sha: str) -> str:
    """Return why the webhook of a commit was refused, if that is all that is known of it."""
    try:
        found = client.get(f"/pushes/{quoted(sha)}")
    except Failure as error:
        if error.exit_code != NOT_FOUND:
            raise
        return ""
    return f"the webhook was refused: {found['reason']}" if found["state"] == "refused" else ""


def _is_live(client: Client, app: str, sha: str) -> bool:
    """Return whether the newest push of a commit that was not ignored is live in the app."""
    found = client.get(f"/pushes/{quoted(sha)}")
    parts = [one for push in found["pushes"] for one in push["apps"] if one["app"] == app and one["state"] != "ignored"]
    return bool(parts) and parts[-1]["state"] == "live"


@dataclass(slots=True, kw_only=True)
class Following:
    """Prints the steps of a push in one app as they happen, and the log of its build."""

    client: Client
    app: str
    _seen: set[str] = field(default_factory=set)
    _offsets: dict[str, int] = field(default_factory=dict)  # of logs that are read; below 0: to the end

    def until_end(self, push: str, timeout: float) -> Json:
        """Follow the push until it has ended or the time is up; return what became of it in the app."""
        part = Json()
        for found in states(self.client, push, timeout):
            part = next((one for view in found["pushes"] for one in view["apps"] if one["app"] == self.app), part)
            self._show(part)
        return part

    def _show(self, part: Json) -> None:
        for step in part["steps"]:
            line = step_line(step)
            if line not in self._seen:
                self._seen.add(line)
                click.echo(line)
            if step["step"] == "build" and step["state"] != "queued" and step["details"].get("build"):
                self._show_log(step["details"]["build"])

    def _show_log(self, build: str) -> None:
        while (offset := self._offsets.get(build, 0)) >= 0:
            answer = self.client.get(f"/builds/{quoted(build)}/log", offset=offset)
            for text in answer["text"].splitlines():
                click.echo(f"  {indented_line(text)}")
            self._offsets[build] = -1 if answer["ended"] else answer["next_offset"]
            if not answer["text"]:
                return
