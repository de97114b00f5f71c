"""What a build fetches from: the folder of a repository of this machine, and of nothing else."""

from pathlib import Path

import pytest

from functions.local.builds.job import Workspace
from functions.local.sandbox.isolation import Isolation, Limits

SERVER = "http://127.0.0.1:8081"
HOME = Path("/state")
NONE = Isolation(kind="", home=HOME, has_overlays=False, users=range(0), reads=())


@pytest.fixture
def workspace() -> Workspace:
    return Workspace(
        home=HOME, environment={}, uv="uv", tools="", limit=1, git_url=SERVER, isolation=NONE, limits=Limits()
    )


@pytest.mark.parametrize("url", [f"{SERVER}/slipway/hello.git", f"{SERVER}/slipway/hello", f"{SERVER}//slipway/hello/"])
def test_a_repository_of_this_machine_is_read_from_its_folder(workspace: Workspace, url: str) -> None:
    assert workspace.source(url) == "/state/git/slipway/hello.git"


@pytest.mark.parametrize(
    "url",
    [
        f"{SERVER}/../../etc/passwd",
        f"{SERVER}/slipway/../../secret.git",
        f"{SERVER}/../git.git",
        f"{SERVER}/./hello.git",
        f"{SERVER}/.hooks/x",
        f"{SERVER}/slipway/hello.git/objects",
        f"{SERVER}/slipway/%2e%2e",
        "http://127.0.0.1:8080/slipway/hello.git",
        "https://git.example.org/slipway/hello.git",
        "git@git.example.org:slipway/hello.git",
        "/srv/hello.git",
    ],
)
def test_every_other_url_is_of_no_folder(workspace: Workspace, url: str) -> None:
    assert workspace.source(url) == ""
