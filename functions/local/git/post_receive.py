"""The post-receive hook: sends a webhook for each changed ref, and prints the answer for the user who pushed.

It runs as `python -I -S post_receive.py HOME` in the repository, and never fails a push: reconcile, which
compares branch heads, finds what the gateway did not accept.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from functions.local.git import webhook

_ACCEPTED = range(200, 300)
_SHORT_SHA = 12


def main(home: Path, lines: list[str], pusher: str) -> None:
    """Announce the changes that git lists: `before after ref`, one a line."""
    instance = json.loads((home / "instance.json").read_text())
    folder = Path.cwd()
    full_name = f"{folder.parent.name}/{folder.name.removesuffix('.git')}"
    changes = [line.split() for line in lines]
    default = _default_branch([ref for _, after, ref in changes if not webhook.is_zero(after)])
    repository = webhook.repository(f"http://127.0.0.1:{instance['ports']['git']}", full_name, default)
    url = f"http://127.0.0.1:{instance['ports']['gateway']}/v1/webhooks/forgejo"
    retry = True
    for before, after, ref in changes:
        for event, payload in _webhooks(before, after, ref, repository, pusher):
            answer = webhook.send(url, instance["webhook_secret"], event, payload, _uuid(), retry=retry)
            retry = answer.status != 0  # a gateway that is down is waited for once only
            if event != "create":
                _report(ref, after, answer)


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
    branches = [ref for ref in pushed if ref.startswith("refs/heads/")]
    if branches and not webhook.git("for-each-ref", "--count=1", head):
        head = branches[0]  # the first push to a repository chooses its default branch
        webhook.git("symbolic-ref", "HEAD", head)
    return head.removeprefix("refs/heads/")


def _report(ref: str, sha: str, answer: webhook.Answer) -> None:
    name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    reason = str(answer.fields.get("reason") or answer.fields.get("error") or "")
    if answer.status in _ACCEPTED and answer.fields.get("event"):
        print(f"slipway: {name} accepted, event {answer.fields['event']}")
        if not webhook.is_zero(sha):
            print(f"slipway: follow it with   paas explain {sha[:_SHORT_SHA]}")
    elif answer.status in _ACCEPTED:
        print(f"slipway: {name} needs no build: {reason or answer.fields.get('status', 'ignored')}")
    elif answer.status == 0:
        print(f"slipway: {name} is stored, but the gateway does not answer; it is deployed when it does")
    else:
        problem = f"answers {answer.status} {reason}".rstrip()
        print(f"slipway: {name} is stored, but the gateway {problem}; Slipway tries again by itself")


def _uuid() -> str:
    raw = bytearray(os.urandom(16))  # importing uuid takes 10 ms
    raw[6], raw[8] = raw[6] & 0x0F | 0x40, raw[8] & 0x3F | 0x80
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


if __name__ == "__main__":
    try:
        pusher = os.environ.get("SLIPWAY_PUSHER", "")  # noqa: TID251 - from the git server, no setting
        main(Path(sys.argv[1]), sys.stdin.read().splitlines(), pusher)
    except Exception as error:  # noqa: BLE001 - git has stored the push in any case
        print(f"slipway: stored, but not announced ({type(error).__name__}: {error}); Slipway finds it by itself")
