"""The repositories of this machine, behind their ports."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from functions.common.adapters.local.repositories import GitHeads, LocalRepositories
from functions.common.errors import Rejected
from tests.local.git.forge import clone, commit, git
from tests.local.repositories import HOOK_SECRET
from tests.patience import patient

BASE = "http://127.0.0.1:8081"


def test_creating_and_deleting_are_idempotent(tmp_path: Path) -> None:
    repositories = LocalRepositories(folder=tmp_path / "git", base_url=BASE)
    url = repositories.create("hello", webhook_secret=HOOK_SECRET)
    marker = tmp_path / "git/slipway/hello.git/kept"
    marker.touch()

    assert url == f"{BASE}/slipway/hello.git"
    assert repositories.create("slipway/hello", webhook_secret=HOOK_SECRET) == url
    assert marker.exists()
    repositories.delete("hello")
    repositories.delete("hello")
    assert not marker.parent.exists()


def test_a_repository_with_commits_is_not_taken_over(tmp_path: Path) -> None:
    repositories = LocalRepositories(folder=tmp_path / "git", base_url=BASE)
    repositories.create("hello", webhook_secret=HOOK_SECRET)
    work, bare = clone(tmp_path / "work"), tmp_path / "git/slipway/hello.git"
    commit(work, {"a": "1"}, "one")
    git("push", "-q", str(bare), "main:feature/x", cwd=work)
    for _ in ("loose", "packed"):
        with pytest.raises(Rejected, match="there is a repository hello with commits in it"):
            repositories.create("hello", webhook_secret=HOOK_SECRET)
        subprocess.run(["git", "-C", bare, "pack-refs", "--all"], check=True)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (f"{BASE}/slipway/hello.git", "hello"),
        (f"{BASE}/hello", "hello"),
        (f"{BASE}/team/hello.git/", "team/hello"),
        ("ssh://git@127.0.0.1:8086/slipway/hello.git", "hello"),
        ("ssh://git@127.0.0.1:8087/slipway/hello.git", ""),
        (f"{BASE}/./slipway/hello.git", "./slipway/hello"),
        ("http://127.0.0.1:8080/slipway/hello.git", ""),
        ("https://git.example.org/slipway/hello.git", ""),
    ],
)
def test_a_repository_here_has_a_name(tmp_path: Path, url: str, name: str) -> None:
    repositories = LocalRepositories(folder=tmp_path / "git", base_url=BASE, ssh_url="ssh://git@127.0.0.1:8086")
    assert repositories.name_of(url) == name


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b/c", ".hooks", "a b", "-x"])
def test_an_invalid_name_is_rejected(tmp_path: Path, name: str) -> None:
    with pytest.raises(Rejected, match="not a valid repository name"):
        LocalRepositories(folder=tmp_path / "git", base_url=BASE).create(name, webhook_secret=HOOK_SECRET)


def test_heads_are_found_loose_and_packed(tmp_path: Path) -> None:
    repositories, heads = _both(tmp_path)
    url = repositories.create("hello", webhook_secret=HOOK_SECRET)
    work, bare = clone(tmp_path / "work"), tmp_path / "git/slipway/hello.git"
    shutil.rmtree(tmp_path / "git/.hooks", ignore_errors=True)
    first = commit(work, {"a": "1"}, "one")
    git("push", "-q", str(bare), "main", "main:feature/x", "main:refs/tags/v1", cwd=work)
    subprocess.run(["git", "-C", bare, "pack-refs", "--all"], check=True)
    second = commit(work, {"a": "2"}, "two")
    git("push", "-q", str(bare), "main", cwd=work)

    assert heads.heads(url) == {"main": second, "feature/x": first}
    assert heads.head(url, "main") == second
    assert heads.head(f"{BASE}/hello", "feature/x") == first
    assert heads.head(url, "none") == ""


@pytest.mark.parametrize(
    "url", [f"{BASE}/slipway/none.git", "http://127.0.0.1:1/slipway/hello.git", "git@host:x/y", f"{BASE}/a/../b"]
)
def test_a_repository_elsewhere_cannot_be_read(tmp_path: Path, url: str) -> None:
    repositories, heads = _both(tmp_path)
    repositories.create("hello", webhook_secret=HOOK_SECRET)

    assert heads.heads(url) is None
    assert heads.head(url, "main") is None


def test_a_head_is_read_in_a_few_milliseconds(tmp_path: Path) -> None:
    repositories, heads = _both(tmp_path)
    url = repositories.create("hello", webhook_secret=HOOK_SECRET)
    work = clone(tmp_path / "work")
    commit(work, {"a": "1"}, "one")
    git("push", "-q", str(tmp_path / "git/slipway/hello.git"), "main", cwd=work)
    started = time.perf_counter()
    for _ in range(100):
        heads.head(url, "main")

    assert (time.perf_counter() - started) / 100 < patient(0.003)


def _both(folder: Path) -> tuple[LocalRepositories, GitHeads]:
    return LocalRepositories(folder=folder / "git", base_url=BASE), GitHeads(folder=folder / "git", base_url=BASE)
