"""The post-receive hook: sends a webhook for each ref that changed, and tells the pusher what came of it.

It runs as `python -I -S post_receive.py HOME` in the repository, and never fails a push: what the
gateway did not take now is found by reconcile, which compares branch heads.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from functions.local.git import webhook
from functions.local.git import webhook as payload

_ACCEPTED = range(200, 300)
_LABEL = 12


def main(home: Path, lines: list[str]) -> None:
    """Handle the changes git lists: `before after ref`, one a line."""
    instance = json.loads((home / "instance.json").read_text())
    folder = Path.cwd()
    full_name = f"{folder.parent.name}/{folder.name.removesuffix('.git')}"
    changes = [line.split() for line in lines]
    default = _default_branch([ref for _, after, ref in changes if not payload.is_zero(after)])
    repo = payload.repository(f"http://127.0.0.1:{instance['ports']['git']}", full_name, default)
    url = f"http://127.0.0.1:{instance['ports']['gateway']}/v1/webhooks/forgejo"
    patient = True
    for before, after, ref in changes:
        for event, content in _deliveries(before, after, ref, repo):
            answer = webhook.send(url, instance["webhook_secret"], event, content, _uuid(), patient=patient)
            patient = answer.status != 0  # waiting once for a gateway that is down is enough
            if event != "create":
                _tell(ref, after, answer)


def _deliveries(before: str, after: str, ref: str, repo: dict[str, object]) -> list[tuple[str, dict[str, object]]]:
    is_tag = ref.startswith("refs/tags/")
    found = list[tuple[str, dict[str, object]]]()
    if not payload.is_zero(after) or is_tag:
        found.append(("push", payload.push(ref, before, after, repo)))
    if payload.is_zero(after):
        found.append(("delete", payload.deleted(ref, repo)))
    elif payload.is_zero(before):
        found.append(("create", payload.created(ref, after, repo)))
    return found


def _default_branch(pushed: list[str]) -> str:
    head = payload.git("symbolic-ref", "HEAD").strip()
    branches = [ref for ref in pushed if ref.startswith("refs/heads/")]
    if branches and not payload.git("for-each-ref", "--count=1", head):
        head = branches[0]  # the first push of a repository says what its branch is
        payload.git("symbolic-ref", "HEAD", head)
    return head.removeprefix("refs/heads/")


def _tell(ref: str, sha: str, answer: webhook.Answer) -> None:
    short = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    reason = str(answer.fields.get("reason") or answer.fields.get("error") or "")
    if answer.status in _ACCEPTED and answer.fields.get("event"):
        print(f"slipway: {short} accepted, event {answer.fields['event']}")
        if not payload.is_zero(sha):
            print(f"slipway: follow it with   paas explain {sha[:_LABEL]}")
    elif answer.status in _ACCEPTED:
        print(f"slipway: {short} needs nothing: {reason or answer.fields.get('status', 'ignored')}")
    elif answer.status == 0:
        print(f"slipway: {short} is stored, but the gateway does not answer; it is picked up when it does")
    else:
        print(f"slipway: {short} is stored, but the gateway answers {answer.status} {reason}".rstrip())


def _uuid() -> str:
    raw = bytearray(os.urandom(16))
    raw[6], raw[8] = raw[6] & 0x0F | 0x40, raw[8] & 0x3F | 0x80
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), sys.stdin.read().splitlines())
    except Exception as error:  # noqa: BLE001 - the push itself has succeeded, whatever happens here
        print(f"slipway: stored, but not announced ({type(error).__name__}: {error}); it is picked up later")
