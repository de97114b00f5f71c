"""From a key in the API's tables to a push to a real Gitea, and back."""

import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from functions.common.adapters.forges.gitea import GiteaApi
from functions.common.adapters.postgres.forge_accounts import PostgresForgeAccountRecords
from functions.common.adapters.postgres.members import PostgresMembers, PostgresSshKeys
from functions.common.adapters.postgres.users import PostgresUsers
from functions.common.platform import forge
from functions.common.ports.accounts import AppRole
from functions.common.settings import from_environment
from functions.reconcile.accounts import Accounts
from tests.local.git.forge import clone, commit, git
from tests.local.git.people import People
from tests.real_gitea import ask, real_forge, real_organisation, real_repository
from tests.world import World

pytestmark = pytest.mark.gitea


@pytest.fixture
def organisation() -> Iterator[tuple[GiteaApi, str]]:
    api = real_forge()
    with real_organisation(api) as name:
        yield api, name


def test_a_collaborators_key_pushes_at_the_forge_until_the_user_is_removed(
    world: World, organisation: tuple[GiteaApi, str], tmp_path: Path
) -> None:
    (api, team), name = organisation, uuid.uuid4().hex[:8]
    real_repository(api, team, "shop")
    url = ask(api, "GET", f"/repos/{team}/shop")["ssh_url"]
    accounts = forge.accounts(from_environment())
    assert accounts
    step = Accounts(
        records=PostgresForgeAccountRecords(database=world.database),
        forge=replace(accounts, organisation=team),  # type: ignore[type-var] # the adapter is a dataclass
    )
    people, keys = People(database=world.database), PostgresSshKeys(database=world.database)
    people.user("root", administrator=True)
    people.app("shop", owner=people.user("owner"))
    user = people.user(name)
    key = people.key(user, tmp_path / "key")
    members = PostgresMembers(database=world.database)
    members.put("shop", user, AppRole.DEPLOYER)

    step()

    assert [one.forge for one in keys.of_user(user)] == ["stored"]
    work = clone(tmp_path / "work")
    commit(work, {"a": "1"}, "one")
    git("push", "-q", url, "HEAD:refs/heads/main", cwd=work, key=key)

    members.remove("shop", user)
    step()
    git("push", "-q", url, "HEAD:refs/heads/two", cwd=work, key=key, fails=True)

    assert PostgresUsers(database=world.database).remove(user) == ()
    step()
    port = url.rpartition("@")[2].partition("/")[0].partition(":")[2]
    command = ["ssh", "-F", "none", "-i", str(key), "-p", port, "-o", "StrictHostKeyChecking=no"]
    command += ["-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "git@127.0.0.1"]
    assert b"Permission denied" in subprocess.run(command, capture_output=True, check=False).stderr
