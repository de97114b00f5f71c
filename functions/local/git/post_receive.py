"""The post-receive hook: sends a webhook for each changed ref, and prints what follows for the user who pushed.

It runs as `python -I -S post_receive.py HOME` in the repository, and never fails a push: reconcile, which
compares branch heads, finds what the gateway did not accept.
"""

import json
import os
import select
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from functions.local.git import follow, webhook

_ACCEPTED = range(200, 300)
_SHORT_SHA = 12
_HEADS = "refs/heads/"
_STDOUT = 1
_STALL_SECONDS = 20
_NO_FOLLOW = {"nowait", "no-follow"}  # the push options of a user who does not wait


def main(home: Path, lines: list[str], environment: Mapping[str, str]) -> None:
    """Announce the changes that git lists, `before after ref` a line, and follow what becomes of them."""
    instance = json.loads((home / "instance.json").read_text())
    folder, pusher = Path.cwd(), environment.get("SLIPWAY_PUSHER", "")
    full_name = f"{folder.parent.name}/{folder.name.removesuffix('.git')}"
    changes = [line.split() for line in lines]
    default = _default_branch([ref for _, after, ref in changes if not webhook.is_zero(after)])
    repository = webhook.repository(f"http://127.0.0.1:{instance['ports']['git']}", full_name, default)
    url = f"http://127.0.0.1:{instance['ports']['gateway']}/v1/webhooks/forgejo"
    answers = list[tuple[str, str, webhook.Answer]]()
    for before, after, ref in changes:
        for event, payload in _webhooks(before, after, ref, repository, pusher):
            retry = all(answer.status for _, _, answer in answers)  # a gateway that is down is waited for once only
            answer = webhook.send(url, instance["webhook_secret"], event, payload, _uuid(), retry=retry)
            if event != "create":
                answers.append((ref, after, answer))
    # Everything is sent before anything is printed: a client that does not read would hold it up.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # from here on nothing is lost when the client goes away
    for ref, after, answer in answers:
        _report(ref, after, answer)
    pushed = [answer.event for ref, after, answer in answers if ref.startswith(_HEADS) and not webhook.is_zero(after)]
    if any(pushed) and not _NO_FOLLOW & _options(environment):
        name = full_name.partition("/")[2]
        api = follow.Api(port=instance["ports"]["gateway"], token=instance["admin_token"])
        if follow.is_wanted(api, name):
            follower = follow.Follower(api=api, app=name if pusher else "", say=_say)
            _follow(home, follower, [event for event in pushed if event])


def _options(environment: Mapping[str, str]) -> set[str]:
    count = int(environment.get("GIT_PUSH_OPTION_COUNT", "0"))
    return {environment.get(f"GIT_PUSH_OPTION_{number}", "") for number in range(count)}


def _follow(home: Path, follower: follow.Follower, pushes: list[str]) -> None:
    try:
        with follow.place(home / "git") as has_place:
            problem = follower.follow(pushes) if has_place else "too many pushes are watched now"
    except Exception as error:  # noqa: BLE001 - the push is announced; watching it is a service
        problem = f"it cannot be watched ({type(error).__name__})"
    if problem:
        _say(f"slipway: {problem}: see `paas explain` and `paas logs --tail`")


def _say(line: str) -> None:
    """Print a line, and end this program when nothing has read for a while.

    When the client is gone, git neither reads what its hooks print nor closes the pipe: a write would block for ever.
    """
    rest = f"{line}\n".encode()
    while rest:
        if not select.select([], [_STDOUT], [], _STALL_SECONDS)[1]:
            os._exit(0)
        rest = rest[os.write(_STDOUT, rest[: select.PIPE_BUF]) :]  # so much fits into a pipe that is ready


def _webhooks(
    before: str, after: str, ref: str, repository: dict[str, Any], pusher: str
) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of a change, as Forgejo sends them, with their payloads."""
    is_tag = ref.startswith("refs/tags/")
    found = list[tuple[str, dict[str, Any]]]()
    if not webhook.is_zero(after) or is_tag:
        found.append(("push", webhook.push(ref, before, after, repository, email=pusher)))
    if webhook.is_zero(after):
        found.append(("delete", webhook.deleted(ref, repository)))
    elif webhook.is_zero(before):
        found.append(("create", webhook.created(ref, after, repository)))
    return found


def _default_branch(pushed: list[str]) -> str:
    head = webhook.git("symbolic-ref", "HEAD").strip()
    branches = [ref for ref in pushed if ref.startswith(_HEADS)]
    if branches and not webhook.git("for-each-ref", "--count=1", head):
        head = branches[0]  # the first push to a repository chooses its default branch
        webhook.git("symbolic-ref", "HEAD", head)
    return head.removeprefix(_HEADS)


def _report(ref: str, sha: str, answer: webhook.Answer) -> None:
    name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    reason = str(answer.fields.get("reason") or answer.fields.get("error") or "")
    if answer.event and webhook.is_zero(sha):
        _say(f"slipway: {name} was deleted: previews of it are closed; an app that it feeds keeps its release")
    elif answer.event:
        _say(f"slipway: {name} accepted, event {answer.event}")
        _say(f"slipway: follow it with   paas explain {sha[:_SHORT_SHA]}")
    elif answer.status in _ACCEPTED:
        _say(f"slipway: {name} needs no build: {reason or answer.fields.get('status', 'ignored')}")
    elif answer.status == 0:
        _say(f"slipway: {name} is stored, but the gateway does not answer; it is deployed when it does")
    else:
        problem = f"answers {answer.status} {reason}".rstrip()
        _say(f"slipway: {name} is stored, but the gateway {problem}; Slipway tries again by itself")


def _uuid() -> str:
    raw = bytearray(os.urandom(16))  # importing uuid takes 10 ms
    raw[6], raw[8] = raw[6] & 0x0F | 0x40, raw[8] & 0x3F | 0x80
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), sys.stdin.read().splitlines(), os.environ)  # noqa: TID251 - of git, no settings
    except Exception as error:  # noqa: BLE001 - git has stored the push in any case
        _say(f"slipway: stored, but not announced ({type(error).__name__}: {error}); Slipway finds it by itself")
