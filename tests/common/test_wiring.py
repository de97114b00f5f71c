"""Adapters as settings have them."""

from pathlib import Path

import pytest

from functions.common.settings import Settings
from functions.common.wiring.core import Core
from functions.common.wiring.platform import commit_statuses, forge_heads, repositories

URL = "http://127.0.0.1:9/hello.git"
OWNERS = pytest.mark.parametrize(("given", "owner"), [("", "slipway"), ("team", "team")])


@OWNERS
def test_repositories_without_an_owner_belong_to_the_default_one(tmp_path: Path, given: str, owner: str) -> None:
    environment = {
        "SLIPWAY_PLATFORM": "local",
        "SLIPWAY_LOCAL_HOME": str(tmp_path),
        "SLIPWAY_GIT_URL": "http://127.0.0.1:9",
        "GITEA_DEFAULT_ORG": given,
    }
    core = Core(settings=Settings(environment=environment))

    assert repositories(core).create("hello") == f"http://127.0.0.1:9/{owner}/hello.git"
    assert forge_heads(core).heads(URL) == {}
    assert commit_statuses(core).owner == owner  # type: ignore[attr-defined] # git's own
