"""The webhook of a push, with the payload and the signatures of Forgejo.

It imports the standard library alone: the user who pushes waits for the hook that imports it.
"""

import hashlib
import hmac
import http.client
import json
import os
import subprocess
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

ZEROS = "0" * 40
_MAX_COMMITS = 100
_LOG_FIELDS = "%H%x00%an%x00%ae%x00%cn%x00%ce%x00%cI%x00%B"
_FIELD_COUNT = 7
_ADDED, _REMOVED = "A", "D"
_GIT_SECONDS = 60


def git(*arguments: str) -> str:
    """Run git in the repository of the hook, and return its output."""
    command = ["git", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=True, timeout=_GIT_SECONDS)
    return done.stdout


def repository(base_url: str, full_name: str, default_branch: str) -> dict[str, Any]:
    """Return Forgejo's description of a repository."""
    owner, _, name = full_name.partition("/")
    url = f"{base_url}/{full_name}"
    return {
        "id": int.from_bytes(full_name.encode()[-6:], "big"),
        "name": name,
        "full_name": full_name,
        "owner": user(owner),
        "private": True,
        "html_url": url,
        "clone_url": f"{url}.git",
        "ssh_url": "",
        "default_branch": default_branch,
        "object_format_name": "sha1",
    }


def user(login: str, email: str = "") -> dict[str, Any]:
    """Return Forgejo's description of a user."""
    return {"id": 1, "login": login, "username": login, "full_name": "", "email": email}


def push(ref: str, before: str, after: str, repo: dict[str, Any], *, email: str = "") -> dict[str, Any]:
    """Return the payload of a push of a branch or tag by the user with this email; empty for one of the platform."""
    is_branch = ref.startswith("refs/heads/") and not is_zero(after)
    commits = _commits(ref, before, after, repo["html_url"]) if is_branch else []
    head = commits[0] if commits else _head(after, repo["html_url"])
    author = head["committer"] if head else user("slipway")
    pusher = user(email, email) if email else user(author["username"], author["email"])
    return {
        "ref": ref,
        "before": before,
        "after": after,
        "compare_url": f"{repo['html_url']}/compare/{before}...{after}",
        "commits": commits,
        "total_commits": _total(ref, before, after, len(commits)),
        "head_commit": head,
        "repository": repo,
        "pusher": pusher,
        "sender": pusher,
    }


def created(ref: str, sha: str, repo: dict[str, Any]) -> dict[str, Any]:
    """Return the payload of a new branch or tag."""
    return {"sha": sha, "ref": ref, "ref_type": ref_type(ref), "repository": repo, "sender": user("slipway")}


def deleted(ref: str, repo: dict[str, Any]) -> dict[str, Any]:
    """Return the payload of a deleted branch or tag."""
    return {
        "ref": ref,
        "ref_type": ref_type(ref),
        "pusher_type": "user",
        "repository": repo,
        "sender": user("slipway"),
    }


def ref_type(ref: str) -> str:
    """Return `branch` or `tag`."""
    return "tag" if ref.startswith("refs/tags/") else "branch"


def is_zero(sha: str) -> bool:
    """Return whether this hash means that the ref did not exist, or does not exist any more."""
    return not sha.strip("0")


def _range(ref: str, before: str, after: str) -> list[str]:
    if not is_zero(before):
        return [f"{before}..{after}"]
    others = f"--exclude={ref.removeprefix('refs/heads/')}"
    return [after, "--not", others, "--branches"]  # a new branch: its commits are those that no other branch has


def _commits(ref: str, before: str, after: str, url: str) -> list[dict[str, Any]]:
    return [_commit(part, url) for part in _log(*_range(ref, before, after), most=_MAX_COMMITS)]


def _head(sha: str, url: str) -> dict[str, Any] | None:
    if is_zero(sha):
        return None
    (commit,) = _log(sha, most=1)
    return _commit(commit, url)


def _log(*range_: str, most: int) -> list[str]:
    """Return a text for each commit, which `_commit` reads."""
    # Names and messages may hold any character but NUL: nobody can write a mark that is made now.
    mark = os.urandom(16).hex()
    options = ["-z", f"--max-count={most}", f"--format={mark}{_LOG_FIELDS}%x00", "--name-status", "--no-renames"]
    return git("log", *options, "--diff-merges=first-parent", *range_).split(mark)[1:]


def _commit(text: str, url: str) -> dict[str, Any]:
    sha, author, author_email, committer, committer_email, time, message, *rest = text.split("\0", _FIELD_COUNT)
    parts = [part.strip("\n") for part in "\0".join(rest).split("\0") if part.strip("\n")]
    changes = list(zip(parts[::2], parts[1::2], strict=False))
    return {
        "id": sha.strip(),
        "message": message,
        "url": f"{url}/commit/{sha.strip()}",
        "author": {"name": author, "email": author_email, "username": author},
        "committer": {"name": committer, "email": committer_email, "username": committer},
        "timestamp": time,
        "added": [path for letter, path in changes if letter == _ADDED],
        "removed": [path for letter, path in changes if letter == _REMOVED],
        "modified": [path for letter, path in changes if letter not in {_ADDED, _REMOVED}],
    }


def _total(ref: str, before: str, after: str, listed: int) -> int:
    if listed < _MAX_COMMITS:
        return listed
    return int(git("rev-list", "--count", *_range(ref, before, after)))


_TIMEOUT_SECONDS = 6
# The user waits, and reconcile finds what is not sent: no new attempt after this.
_RETRY_SECONDS = 4.0
_DELAYS = (0.2, 0.5, 1.0, 2.0)
_SERVER_ERROR = 500
_ACCEPTED = range(200, 300)


@dataclass(frozen=True)
class Answer:
    """The answer to a webhook; status 0 means that there was none."""

    status: int
    fields: dict[str, Any]

    @property
    def event(self) -> str:
        """The id of the event that an accepted webhook caused, else nothing."""
        return str(self.fields.get("event") or "") if self.status in _ACCEPTED else ""


def send(url: str, secret: str, event: str, payload: dict[str, Any], delivery: str, *, retry: bool) -> Answer:
    """Send one delivery; with `retry` again, under the same id, after no answer or a server error."""
    body = json.dumps(payload, indent=2).encode()
    headers = _headers(event, delivery, secret.encode(), body)
    begun = time.monotonic()
    answer = _post(url, headers, body)
    for delay in _DELAYS if retry else ():
        if 0 < answer.status < _SERVER_ERROR or time.monotonic() - begun > _RETRY_SECONDS:
            break
        time.sleep(delay)
        answer = _post(url, headers, body)
    return answer


def _headers(event: str, delivery: str, secret: bytes, body: bytes) -> dict[str, str]:
    sha256 = hmac.new(secret, body, hashlib.sha256).hexdigest()
    sha1 = hmac.new(secret, body, hashlib.sha1).hexdigest()
    headers = {"Content-Type": "application/json", "User-Agent": "Slipway-Git"}
    headers |= {"X-Hub-Signature": f"sha1={sha1}", "X-Hub-Signature-256": f"sha256={sha256}"}
    for forge in ("Forgejo", "Gitea", "Gogs", "GitHub"):
        headers |= {f"X-{forge}-Delivery": delivery, f"X-{forge}-Event": event, f"X-{forge}-Event-Type": event}
        if forge != "GitHub":
            headers[f"X-{forge}-Signature"] = sha256
    return headers


def _post(url: str, headers: dict[str, str], body: bytes) -> Answer:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("POST", parts.path, body, headers)
        response = connection.getresponse()
        text = response.read()
    except (OSError, http.client.HTTPException):
        return Answer(0, {})
    finally:
        connection.close()
    try:
        fields = json.loads(text)
    except ValueError:
        fields = {}
    return Answer(response.status, fields if isinstance(fields, dict) else {})
