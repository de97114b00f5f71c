"""Repositories, branches and webhooks of a Forgejo on this machine; answers have the form of a real one's.

As the real one: a second repository of a name is 409, a second webhook of a URL is made without a word, a
webhook is inactive unless it is said to be active, and its secret can be neither read nor changed.
"""

import re
from typing import Any

from tests.fakes.loopback import Call, Reply

TOKEN = "a-token"
ORGANISATION = "team"
_REPOSITORY = re.compile(r"^/api/v1/repos/team/([^/]+)(?:/(branches|hooks|collaborators)(?:/(.+))?)?$")
_NOT_FOUND = Reply(status=404, body={"errors": None, "message": "The target couldn't be found.", "url": "/api/swagger"})


class LoopbackForge:
    """`repositories` are names with branches, `hooks` those of each, `numbers` names by the forge's ids.

    First come the `answers`, then the `failures`, which are statuses.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, str]] = {}
        self.hooks: dict[str, list[dict[str, Any]]] = {}
        self.users: set[str] = set()
        self.collaborators: dict[tuple[str, str], str] = {}
        self.numbers: dict[str, str] = {}
        self.failures: list[int] = []
        self.answers: list[Reply] = []
        self.url = ""
        self.page = 50

    def answer(self, call: Call) -> Reply:
        """Answer a call below /api/v1."""
        if self.answers:
            return self.answers.pop(0)
        if self.failures:
            return Reply(status=self.failures.pop(0), body={"message": "failing"})
        if call.headers.get("authorization") != f"token {TOKEN}":
            return Reply(status=401, body={"message": "invalid username, password or token"})
        if (call.method, call.path) == ("POST", f"/api/v1/orgs/{ORGANISATION}/repos"):
            return self._create(call.body)
        if (name := self.numbers.get(call.path.removeprefix("/api/v1/repositories/"))) is not None:
            return Reply(status=200, body=self._repository(name))
        match = _REPOSITORY.match(call.path)
        return self._one(call, *match.groups()) if match and match[1] in self.repositories else _NOT_FOUND

    def _one(self, call: Call, name: str, part: str | None, item: str | None) -> Reply:
        if part == "branches":
            return self._branches(name, item, call)
        if part == "hooks":
            return self._hooks(name, item, call)
        if part == "collaborators":
            if item not in self.users:
                return Reply(status=422, body={"message": f"user does not exist [name: {item}]"})
            self.collaborators[name, item] = call.body["permission"]
            return Reply(status=204)
        if call.method == "DELETE":
            del self.repositories[name]
            return Reply(status=204)
        return Reply(status=200, body=self._repository(name))

    def _create(self, body: dict[str, Any]) -> Reply:
        name = body["name"]
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", name):
            return Reply(status=422, body={"message": "[Name]: AlphaDashDot"})
        if name in self.repositories:
            return Reply(status=409, body={"message": "The repository with the same name already exists."})
        self.repositories[name], self.hooks[name] = {}, []
        return Reply(status=201, body=self._repository(name))

    def _repository(self, name: str) -> dict[str, Any]:
        fields = {"id": 7, "name": name, "full_name": f"team/{name}", "empty": not self.repositories[name]}
        return {**fields, "clone_url": f"{self.url}/team/{name}.git", "ssh_url": f"git@127.0.0.1:team/{name}.git"}

    def _branches(self, name: str, branch: str | None, call: Call) -> Reply:
        heads = self.repositories[name]
        if branch:
            return Reply(status=200, body=_branch(branch, heads[branch])) if branch in heads else _NOT_FOUND
        size, page = min(self.page, int(call.query["limit"])), int(call.query["page"])
        shown = sorted(heads.items())[(page - 1) * size : page * size]
        total = {"X-Total-Count": str(len(heads))}
        return Reply(status=200, body=[_branch(*one) for one in shown], headers=total)

    def _hooks(self, name: str, hook: str | None, call: Call) -> Reply:
        hooks = self.hooks[name]
        if call.method == "GET":
            return Reply(status=200, body=[_shown(one) for one in hooks])
        if call.method == "POST":
            number = max((one["id"] for one in hooks), default=0) + 1
            hooks.append({"active": False, "events": ["push"], **call.body, "id": number})
            return Reply(status=201, body=_shown(hooks[-1]))
        (one,) = [one for one in hooks if str(one["id"]) == hook]
        if call.method == "DELETE":
            hooks.remove(one)
            return Reply(status=204)
        secret = one["config"]["secret"]
        one |= {**call.body, "config": {**one["config"], **call.body.get("config", {}), "secret": secret}}
        return Reply(status=200, body=_shown(one))


def _shown(hook: dict[str, Any]) -> dict[str, Any]:
    return {**hook, "config": {name: value for name, value in hook["config"].items() if name != "secret"}}


def _branch(name: str, sha: str) -> dict[str, Any]:
    return {"name": name, "commit": {"id": sha, "message": "one"}, "protected": False}
