"""Sends the requests that a document writes as `curl` commands."""

import shlex
from dataclasses import dataclass, field

import httpx

from tests.local.pipeline.stage import Stage


@dataclass(slots=True, kw_only=True)
class Curl:
    """Runs curl commands with the document's hosts and values replaced; `-s`, `-i`, `-X`, `-H` and `-d` are known."""

    stage: Stage
    replaced: dict[str, str] = field(default_factory=dict)

    def __call__(self, command: str) -> httpx.Response:
        """Return the answer to the command's request."""
        for name, value in self.replaced.items():
            command = command.replace(name, value)
        words = shlex.split(command.replace("\\\n", " "))
        assert words.pop(0) == "curl", command
        method, url, headers, body = "", "", dict[str, str](), None
        while words:
            match words.pop(0):
                case "-s" | "-i":
                    continue
                case "-X":
                    method = words.pop(0)
                case "-H":
                    name, _, value = words.pop(0).partition(": ")
                    headers[name] = value
                case "-d":
                    body = words.pop(0)
                case word:
                    assert not word.startswith("-"), f"curl {word}"
                    url = word
        method = method or ("POST" if body is not None else "GET")
        with self.stage.http() as http:
            return http.request(method, url, headers=headers, content=body, follow_redirects=True)
