"""Repositories: the fake and the one-machine platform's fulfil the same contract."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.common.adapters.forges.gitea import GiteaApi, GiteaRepositories
from functions.common.adapters.local.repositories import LocalRepositories
from functions.common.errors import Rejected
from tests.contract.repositories import RepositoriesContract, RepositoriesWorld
from tests.fakes.loopback import served
from tests.fakes.loopback_forge import ORGANISATION, TOKEN, LoopbackForge
from tests.fakes.repositories import FakeRepositories
from tests.local.repositories import HOOK_SECRET
from tests.real_gitea import ask, real_forge, real_organisation, repositories


class _FakeWorld:
    def __init__(self) -> None:
        self.repositories = FakeRepositories()

    def names(self) -> set[str]:
        return self.repositories.names

    def break_down(self) -> None:
        self.repositories.down = True


class _LocalWorld:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "git"
        self.repositories = LocalRepositories(
            folder=self.folder, base_url="http://127.0.0.1:1", ssh_url="ssh://git@127.0.0.1:2"
        )

    def names(self) -> set[str]:
        return {path.stem for path in self.folder.glob("slipway/*.git")}

    def break_down(self) -> None:
        self.folder.write_text("a file where the folder should be")


class TestFake(RepositoriesContract):
    """The fake."""

    @pytest.fixture
    def world(self) -> RepositoriesWorld:
        """Return a fake forge."""
        return _FakeWorld()


class TestLocal(RepositoriesContract):
    """Bare repositories of this machine."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> RepositoriesWorld:
        """Return repositories in an empty folder."""
        return _LocalWorld(tmp_path)


WEBHOOK = "https://slipway.example.org/v1/webhooks/gitea"


class _GiteaWorld:
    def __init__(self, forge: LoopbackForge, url: str) -> None:
        self.forge, forge.url = forge, url
        self.repositories = self.at(url)

    @staticmethod
    def at(url: str, token: str = TOKEN) -> GiteaRepositories:
        api = GiteaApi(url=url, token=token)
        return GiteaRepositories(api=api, organisation=ORGANISATION, webhook_url=WEBHOOK)

    def names(self) -> set[str]:
        return set(self.forge.repositories)

    def break_down(self) -> None:
        self.forge.failures = [503] * 9


class TestGitea(RepositoriesContract):
    """HTTP on this machine."""

    @pytest.fixture
    def world(self) -> Iterator[RepositoriesWorld]:
        """Yield an organisation without repositories."""
        forge = LoopbackForge()
        with served(forge) as url:
            yield _GiteaWorld(forge, url)

    def test_a_repository_has_one_active_webhook_with_the_current_secret(self, world: _GiteaWorld) -> None:
        """However often it is created; the forge would add a webhook each time."""
        world.repositories.create("shop", webhook_secret=HOOK_SECRET)
        world.forge.hooks["shop"].append({"id": 9, "config": {"url": "https://elsewhere.example.org/"}})
        world.repositories.create("shop", webhook_secret="newer")
        world.repositories.set_webhook("shop", webhook_secret="new")

        (ours,) = [hook for hook in world.forge.hooks["shop"] if hook["config"]["url"] == WEBHOOK]
        assert (ours["active"], ours["config"]["secret"]) == (True, "new")
        assert set(ours["events"]) >= {"push", "create", "delete"}

    def test_a_user_of_the_forge_may_push(self, world: _GiteaWorld) -> None:
        """A user that the forge does not know is refused."""
        world.repositories.create("shop", webhook_secret=HOOK_SECRET)
        world.forge.users.add("ada")
        world.repositories.admit("shop", "ada")

        assert world.forge.collaborators == {("shop", "ada"): "write"}
        with pytest.raises(Rejected, match="the role of bob in team/shop"):
            world.repositories.admit("shop", "bob")

    def test_a_repository_with_commits_is_not_taken_over(self, world: _GiteaWorld) -> None:
        """It would be deployed, and deleted with the app."""
        world.repositories.create("shop", webhook_secret=HOOK_SECRET)
        world.forge.repositories["shop"]["main"] = "a" * 40

        with pytest.raises(Rejected, match="has a repository team/shop with commits in it"):
            world.repositories.create("shop", webhook_secret=HOOK_SECRET)

    def test_an_invalid_name_is_rejected(self, world: _GiteaWorld) -> None:
        """With the forge's message."""
        with pytest.raises(Rejected, match="AlphaDashDot"):
            world.repositories.create("no/name", webhook_secret=HOOK_SECRET)

    def test_a_wrong_token_names_the_setting_and_not_the_token(self, world: _GiteaWorld) -> None:
        """And what it needs."""
        with pytest.raises(Rejected, match="GITEA_TOKEN") as refused:
            world.at(world.forge.url, token="stolen").create("shop", webhook_secret=HOOK_SECRET)
        assert "stolen" not in str(refused.value)
        assert TOKEN not in repr(world.repositories)


class _RealWorld:
    def __init__(self, api: GiteaApi, organisation: str) -> None:
        self.api, self.organisation = api, organisation
        self.repositories = self.at(api)

    def at(self, api: GiteaApi) -> GiteaRepositories:
        return GiteaRepositories(api=api, organisation=self.organisation, webhook_url=WEBHOOK)

    def names(self) -> set[str]:
        return repositories(self.api, self.organisation)

    def hooks(self, name: str) -> list[dict[str, Any]]:
        return list(ask(self.api, "GET", f"/repos/{self.organisation}/{name}/hooks"))

    def break_down(self) -> None:
        self.repositories = self.at(GiteaApi(url="http://127.0.0.1:1", token=TOKEN))


@pytest.mark.gitea
class TestRealGitea(RepositoriesContract):
    """A real one."""

    @pytest.fixture
    def world(self) -> Iterator[RepositoriesWorld]:
        """Yield an organisation without repositories."""
        api = real_forge()
        with real_organisation(api) as organisation:
            yield _RealWorld(api, organisation)

    def test_a_repository_has_one_active_webhook(self, world: _RealWorld) -> None:
        """However often it is created."""
        world.repositories.create("shop", webhook_secret=HOOK_SECRET)
        other = {"type": "gitea", "config": {"url": "https://elsewhere.example.org/", "content_type": "json"}}
        ask(world.api, "POST", f"/repos/{world.organisation}/shop/hooks", other)
        world.repositories.create("shop", webhook_secret="newer")
        world.repositories.set_webhook("shop", webhook_secret="new")

        (ours,) = [hook for hook in world.hooks("shop") if hook["config"]["url"] == WEBHOOK]
        assert ours["active"]
        assert set(ours["events"]) >= {"push", "create", "delete", "pull_request"}
        assert len(world.hooks("shop")) == 2

    def test_a_repository_with_commits_is_not_taken_over(self, world: _RealWorld) -> None:
        """It would be deployed, and deleted with the app."""
        body = {"name": "shop", "auto_init": True, "default_branch": "main"}
        ask(world.api, "POST", f"/orgs/{world.organisation}/repos", body)

        with pytest.raises(Rejected, match="with commits in it"):
            world.repositories.create("shop", webhook_secret=HOOK_SECRET)
        assert world.hooks("shop") == []

    @pytest.mark.parametrize("name", ["no/name", "hello.wiki"])
    def test_an_invalid_name_is_rejected(self, world: _RealWorld, name: str) -> None:
        """With the forge's message."""
        with pytest.raises(Rejected, match="refuses repository"):
            world.repositories.create(name, webhook_secret=HOOK_SECRET)

    def test_a_wrong_token_names_the_setting_and_not_the_token(self, world: _RealWorld) -> None:
        """And what it needs."""
        with pytest.raises(Rejected, match="GITEA_TOKEN") as refused:
            world.at(GiteaApi(url=world.api.url, token="stolen")).create("shop", webhook_secret=HOOK_SECRET)
        assert "stolen" not in str(refused.value)
