"""Users of a real Gitea get the SSH keys and roles that they have here, and lose them."""

import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from functions.common.adapters.forges.gitea import GiteaApi
from functions.common.adapters.forges.gitea_accounts import ACCESS, MARK, GiteaAccounts
from functions.common.adapters.ssh_keys import SshPublicKeys
from functions.common.errors import Rejected, Unavailable
from functions.common.ports.accounts import AppRole
from functions.common.ports.forge import ForgeAccount
from functions.common.settings import from_environment
from tests.local.git.forge import clone, commit, git
from tests.real_gitea import ask, real_forge, real_organisation, real_repository

pytestmark = pytest.mark.gitea
PASSWORD = "aA1!correct-horse-battery"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A forge with an organisation, and a user of Slipway whom the forge does not know yet."""

    admin: GiteaApi
    api: GiteaApi
    organisation: str
    folder: Path
    account: ForgeAccount

    @property
    def accounts(self) -> GiteaAccounts:
        """Return the adapter."""
        return GiteaAccounts(admin=self.admin, api=self.api, organisation=self.organisation)

    def key(self, name: str) -> str:
        """Make an SSH key in the file of that name and return its public half, as Slipway stores it."""
        file = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
        return SshPublicKeys().read(file.with_suffix(".pub").read_text()).text

    def titles(self, username: str) -> set[str]:
        """Return the titles of a user's keys."""
        return {one["title"] for one in ask(self.admin, "GET", f"/users/{username}/keys")}

    def user(self, email: str) -> str:
        """Make a user of the forge and return the name."""
        name = f"person-{uuid.uuid4().hex[:8]}"
        body = {"username": name, "email": email, "password": PASSWORD, "must_change_password": False}
        ask(self.admin, "POST", "/admin/users", body)
        return name

    def repository(self, name: str) -> str:
        """Make a private repository and return its SSH URL."""
        real_repository(self.api, self.organisation, name)
        return str(ask(self.api, "GET", f"/repos/{self.organisation}/{name}")["ssh_url"])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    settings = from_environment()
    token = settings.forge_accounts.admin_token.get_secret_value()
    admin = GiteaApi(url=settings.sources.forge_url, token=token, remedy=ACCESS)
    email = f"ada.{uuid.uuid4().hex[:8]}@example.org"
    account = ForgeAccount(email=email, changed_at=datetime.now(UTC), keys={}, roles={}, granted=())
    with real_organisation(real_forge()) as organisation:
        yield World(admin=admin, api=real_forge(), organisation=organisation, folder=tmp_path, account=account)


def test_a_user_with_a_key_gets_a_forge_user_who_pushes_over_ssh_until_the_role_ends(world: World) -> None:
    url, key = world.repository("shop"), world.key("laptop")
    owner = replace(world.account, keys={"laptop": key}, roles={"shop": AppRole.OWNER}, granted=["shop"])

    synced = world.accounts.sync(owner)

    assert synced.problems == ()
    assert set(synced.granted) == {"shop"}
    assert world.titles(synced.username) == {f"{MARK}laptop"}
    work = clone(world.folder / "work")
    commit(work, {"a": "1"}, "one")
    git("push", "-q", url, "HEAD:refs/heads/main", cwd=work, key=world.folder / "laptop")
    assert world.accounts.sync(owner).username == synced.username

    world.accounts.sync(replace(owner, roles={"shop": AppRole.VIEWER}))
    git("fetch", "-q", url, cwd=work, key=world.folder / "laptop")
    refused = git("push", "-q", url, "HEAD:refs/heads/second", cwd=work, key=world.folder / "laptop", fails=True)
    assert "permission denied for writing" in refused.lower()

    assert world.accounts.sync(replace(owner, roles={})).granted == set()
    git("fetch", "-q", url, cwd=work, key=world.folder / "laptop", fails=True)


def test_a_key_that_was_removed_is_removed_there_and_keys_of_the_users_own_stay(world: World) -> None:
    username = world.user(world.account.email)
    content = world.key("own")
    own = {"title": "my own", "key": content, "read_only": False}
    ask(world.admin, "POST", f"/admin/users/{username}/keys", own)
    keys = {"old": world.key("old"), "new": world.key("new"), "both": content}

    assert world.accounts.sync(replace(world.account, keys=keys)).problems == ()
    assert world.titles(username) == {"my own", f"{MARK}old", f"{MARK}new"}
    assert world.accounts.sync(replace(world.account, keys={"new": keys["new"]})).username == username
    assert world.titles(username) == {"my own", f"{MARK}new"}
    world.accounts.sync(world.account)
    assert world.titles(username) == {"my own"}


def test_a_user_without_keys_gets_no_forge_user(world: World) -> None:
    world.repository("shop")

    synced = world.accounts.sync(replace(world.account, roles={"shop": AppRole.OWNER}, granted=["shop"]))

    assert (synced.username, set(synced.granted)) == ("", set())
    assert ask(world.admin, "GET", "/admin/emails/search?q=" + world.account.email) == []


def test_names_of_forge_users_follow_the_email_and_do_not_collide(world: World) -> None:
    local = uuid.uuid4().hex[:8]
    first = replace(world.account, email=f"{local}+x@example.org", keys={"a": world.key("a")})
    second = replace(world.account, email=f"{local}-x@example.org", keys={"b": world.key("b")})

    names = [world.accounts.sync(one).username for one in (first, second)]
    assert names[0] == f"{local}-x"
    assert names[1].startswith(f"{local}-x-")


def test_a_key_of_another_forge_user_is_refused_with_the_reason_and_the_others_are_added(world: World) -> None:
    other = world.user(f"{uuid.uuid4().hex}@example.org")
    taken = world.key("taken")
    ask(world.admin, "POST", f"/admin/users/{other}/keys", {"title": "mine", "key": taken, "read_only": False})
    keys = {"taken": taken, "free": world.key("free")}

    synced = world.accounts.sync(replace(world.account, keys=keys))

    (problem,) = synced.problems
    assert "'taken'" in problem
    assert "Key content has been used" in problem
    assert world.titles(synced.username) == {f"{MARK}free"}


def test_a_token_that_is_no_administrators_names_the_setting(world: World) -> None:
    accounts = replace(world.accounts, admin=GiteaApi(url=world.api.url, token=world.api.token, remedy=ACCESS))
    with pytest.raises(Rejected, match="GITEA_ADMIN_TOKEN must be of a site administrator") as refused:
        accounts.sync(replace(world.account, keys={"a": world.key("a")}))
    assert world.api.token not in str(refused.value)


def test_an_outage_is_unavailable(world: World) -> None:
    accounts = replace(world.accounts, admin=GiteaApi(url="http://127.0.0.1:1", token="none"))
    with pytest.raises(Unavailable):
        accounts.sync(world.account)
