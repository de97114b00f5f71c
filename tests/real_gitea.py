"""The Gitea of GITEA_URL, for tests that are marked `gitea`."""

import base64
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from functions.common.adapters.forges.gitea import GiteaApi
from functions.common.settings import from_environment
from tests.local.git.forge import clone


def real_forge() -> GiteaApi:
    """Return the API with Slipway's token."""
    given = from_environment()
    return GiteaApi(url=given.sources.forge_url, token=given.forge.token.get_secret_value())


def ask(api: GiteaApi, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - its JSON
    """Return the forge's answer to a call that must succeed."""
    answer = api.call(method, path, body=body)
    assert answer.is_success, f"{method} {path}: {answer.status} {answer.body[:200]!r}"
    return answer.json() if answer.body else None


@contextmanager
def real_organisation(api: GiteaApi) -> Iterator[str]:
    """Yield a new organisation, and delete it and what is in it afterwards."""
    name = f"team-{uuid.uuid4().hex[:8]}"
    ask(api, "POST", "/orgs", {"username": name, "visibility": "private"})
    yield name
    for repository in repositories(api, name):
        ask(api, "DELETE", f"/repos/{name}/{repository}")
    ask(api, "DELETE", f"/orgs/{name}")


def repositories(api: GiteaApi, organisation: str) -> set[str]:
    """Return the names of an organisation's repositories."""
    return {one["name"] for one in ask(api, "GET", f"/orgs/{organisation}/repos")}


def real_repository(api: GiteaApi, organisation: str, name: str) -> str:
    """Make an empty repository without a webhook and return its clone URL."""
    body = {"name": name, "private": True, "default_branch": "main"}
    return str(ask(api, "POST", f"/orgs/{organisation}/repos", body)["clone_url"])


def working_copy(api: GiteaApi, folder: Path) -> Path:
    """Make an empty working copy that may push to every repository of this forge that the token may write to."""
    work = clone(folder)
    login = base64.b64encode(f"token:{api.token}".encode()).decode()  # no word of a command line
    with (work / ".git" / "config").open("a") as config:
        config.write(f'[http "{api.url}"]\n\textraHeader = Authorization: Basic {login}\n')
    return work
