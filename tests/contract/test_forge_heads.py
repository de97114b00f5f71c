"""ForgeHeads: the fake, the bare repositories of this machine and a forge's API fulfil the same contract."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from functions.common.adapters.forges.gitea import GiteaApi, GiteaHeads
from functions.common.adapters.local.repositories import GitHeads, LocalRepositories
from functions.common.domain.git_url import repository_key
from functions.common.errors import Rejected, Unavailable
from tests.contract.forge_heads import ForgeHeadsContract, HeadsWorld
from tests.fakes.forge_heads import FakeForgeHeads
from tests.fakes.loopback import Reply, served
from tests.fakes.loopback_forge import TOKEN, LoopbackForge
from tests.local.git.forge import clone, commit, git
from tests.local.repositories import HOOK_SECRET
from tests.local.waiting import until
from tests.real_gitea import ask, real_forge, real_organisation, real_repository, working_copy

BASE = "http://127.0.0.1:8081"


class _FakeWorld:
    def __init__(self) -> None:
        self.heads, self.url, self._count = FakeForgeHeads(), f"{BASE}/slipway/hello.git", count(1)
        self._branches = self.heads.branches.setdefault(repository_key(self.url), {})

    def push(self, *branches: str) -> str:
        sha = f"{next(self._count):040x}"
        self._branches.update(dict.fromkeys(branches, sha))
        return sha

    def delete(self, branch: str) -> None:
        del self._branches[branch]


class _GitWorld:
    def __init__(self, folder: Path) -> None:
        where = {"folder": folder / "git", "base_url": BASE}
        self.heads = GitHeads(**where)  # type: ignore[arg-type] # a dict for short
        self.url = LocalRepositories(**where).create("hello", webhook_secret=HOOK_SECRET)  # type: ignore[arg-type] # as above
        self._work, self._bare, self._count = clone(folder / "work"), folder / "git/slipway/hello.git", count(1)

    def push(self, *branches: str) -> str:
        sha = commit(self._work, {"a": str(next(self._count))}, "one more")
        git("push", "-q", str(self._bare), *(f"main:refs/heads/{branch}" for branch in branches), cwd=self._work)
        return sha

    def delete(self, branch: str) -> None:
        git("push", "-q", str(self._bare), f":refs/heads/{branch}", cwd=self._work)


class TestFake(ForgeHeadsContract):
    """In memory."""

    @pytest.fixture
    def world(self) -> HeadsWorld:
        """Return a forge with an empty repository."""
        return _FakeWorld()


class TestGit(ForgeHeadsContract):
    """Bare repositories."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> HeadsWorld:
        """Return a forge with an empty repository."""
        return _GitWorld(tmp_path)


class _GiteaWorld:
    def __init__(self, forge: LoopbackForge, url: str) -> None:
        self.forge, self.url, self._count = forge, f"{url}/team/hello.git", count(1)
        self._branches = forge.repositories.setdefault("hello", {})
        self.heads = GiteaHeads(api=GiteaApi(url=url, token=TOKEN))

    def push(self, *branches: str) -> str:
        sha = f"{next(self._count):040x}"
        self._branches.update(dict.fromkeys(branches, sha))
        return sha

    def delete(self, branch: str) -> None:
        del self._branches[branch]


class TestGitea(ForgeHeadsContract):
    """HTTP on this machine."""

    @pytest.fixture
    def world(self) -> Iterator[HeadsWorld]:
        """Yield a forge with an empty repository."""
        forge = LoopbackForge()
        with served(forge) as url:
            yield _GiteaWorld(forge, url)

    def test_all_pages_are_read(self, world: _GiteaWorld) -> None:
        """There are more branches than fit on one page."""
        world.forge.page = 2
        world.push(*"abcde")

        assert set(world.heads.heads(world.url) or {}) == set("abcde")

    def test_another_forges_repository_cannot_be_read(self, world: _GiteaWorld) -> None:
        """And no request is sent."""
        assert world.heads.heads("https://other.example.org/team/hello.git") is None
        assert world.heads.head("https://other.example.org/team/hello.git", "main") is None

    def test_a_repository_is_found_by_its_id_under_the_name_that_it_has_now(self, world: _GiteaWorld) -> None:
        """Of an id that the forge does not know or show there are no URLs; another forge is not asked."""
        world.forge.repositories["renamed"] = {}
        world.forge.numbers["7"] = "renamed"

        assert world.heads.urls_of(world.url, "7") == (
            f"{world.forge.url}/team/renamed.git",
            "git@127.0.0.1:team/renamed.git",
        )
        assert world.heads.urls_of(world.url, "8") == ()
        assert world.heads.urls_of("https://other.example.org/team/hello.git", "7") is None
        world.forge.failures = [503] * 2
        with pytest.raises(Unavailable):
            world.heads.urls_of(world.url, "7")

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_an_outage_is_unavailable(self, world: _GiteaWorld, status: int) -> None:
        """It is not the same as having no branches."""
        world.forge.failures = [status] * 2

        with pytest.raises(Unavailable):
            world.heads.head(world.url, "main")

    @pytest.mark.parametrize("body", [{}, [{}], [{"name": "main"}], [{"name": "main", "commit": {"id": None}}], 7, "x"])
    def test_an_answer_of_another_shape_is_unavailable(self, world: _GiteaWorld, body: object) -> None:
        """It is of a proxy, or of another API."""
        world.forge.answers = [Reply(status=200, body=body)] * 2

        with pytest.raises(Unavailable, match="another shape"):
            world.heads.head(world.url, "main")
        if body != {}:
            with pytest.raises(Unavailable, match="another shape"):
                world.heads.heads(world.url)

    def test_a_server_that_repeats_a_page_is_read_once(self, world: _GiteaWorld) -> None:
        """It may ignore the parameter `page`."""
        page = [{"name": "main", "commit": {"id": "a" * 40}}]
        world.forge.answers = [Reply(status=200, body=page, headers={"X-Total-Count": "2"})] * 3

        assert world.heads.heads(world.url) == {"main": "a" * 40}
        assert len(world.forge.answers) == 1

    def test_an_error_contains_no_password(self, world: _GiteaWorld) -> None:
        """The clone URL may contain one."""
        world.forge.failures = [422]

        with pytest.raises(Rejected) as refused:
            world.heads.head(world.url.replace("http://", "http://ada:s3cret@"), "main")
        assert "s3cret" not in str(refused.value)


class _RealWorld:
    def __init__(self, api: GiteaApi, organisation: str, folder: Path) -> None:
        self.heads, self._count = GiteaHeads(api=api), count(1)
        self.url = real_repository(api, organisation, "hello")
        self._api, self._path = api, f"/repos/{organisation}/hello"
        self._work = working_copy(api, folder / "work")

    def push(self, *branches: str) -> str:
        sha = commit(self._work, {"a": str(next(self._count))}, "one more")
        git("push", "-q", self.url, *(f"main:refs/heads/{branch}" for branch in branches), cwd=self._work)
        # A first push is answered before the forge itself knows of it; its webhook is sent when it does.
        until(lambda: not ask(self._api, "GET", self._path)["empty"], why="the first push")
        return sha

    def delete(self, branch: str) -> None:
        git("push", "-q", self.url, f":refs/heads/{branch}", cwd=self._work)


@pytest.mark.gitea
class TestRealGitea(ForgeHeadsContract):
    """A real one."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[HeadsWorld]:
        """Yield a forge with an empty repository."""
        api = real_forge()
        with real_organisation(api) as organisation:
            yield _RealWorld(api, organisation, tmp_path)

    def test_all_pages_are_read(self, world: _RealWorld) -> None:
        """There are more branches than fit on one page."""
        names = {f"branch-{number}" for number in range(51)}
        world.push(*names)

        assert set(world.heads.heads(world.url) or {}) == names
