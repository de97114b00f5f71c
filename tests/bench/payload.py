"""Signed webhooks of 5.5 kB, shaped like Forgejo's."""

import hashlib
import hmac
import json

BODY_BYTES = 5_500


def of_no_app(git: str) -> dict[str, str]:
    """Return the repository of no app at the platform's git server, which announces its own repositories alone."""
    return {"clone_url": f"{git}/slipway/nobody.git", "full_name": "slipway/nobody"}


def push(
    sha: str,
    *,
    clone_url: str,
    full_name: str,
    ref: str = "refs/heads/main",
    before: str = "0" * 40,
    size: int = 0,
) -> bytes:
    """Return the body of a push, `size` bytes long when that is more than it needs."""
    commit = {"id": sha, "message": "change", "added": [], "removed": [], "modified": ["app.py"]}
    repository = {"id": 1, "name": full_name.rpartition("/")[2], "full_name": full_name, "clone_url": clone_url}
    fields = {
        "ref": ref,
        "before": before,
        "after": sha,
        "commits": [commit],
        "total_commits": 1,
        "head_commit": commit,
        "repository": repository | {"ssh_url": "", "html_url": "", "default_branch": "main"},
        "pusher": {"login": "dev"},
        "sender": {"login": "dev"},
        "padding": "",
    }
    fields["padding"] = "x" * max(0, size - len(json.dumps(fields)))
    return json.dumps(fields).encode()


def signed_headers(body: bytes, *, secret: str, delivery: str) -> dict[str, str]:
    """Return what a forge sends with it."""
    return {
        "Content-Type": "application/json",
        "X-Forgejo-Event": "push",
        "X-Forgejo-Delivery": delivery,
        "X-Forgejo-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }


def raw_request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """Return the bytes of a POST over a kept connection."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
