"""Who may fetch and push: every kind of caller, for repositories of their own and of others."""

import base64
import http.client
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from functions.common.adapters.postgres.access import PostgresAccessTokens
from functions.common.ports.accounts import AppRole, Scope
from tests.databases import Databases
from tests.local.git.forge import ADMIN, Forge, clone, commit, forge, git
from tests.local.git.people import People, fill
from tests.local.repositories import HOOK_SECRET
from tests.patience import patient

DONE = ""
MISSING = "there is no such repository, or you may not see it"
VIEWER = "you are viewer of own, a push needs deployer"
READ = "has the scope read, a push needs deploy"
UNKNOWN = "the access token is unknown, revoked or expired: log in with `paas login`"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A git server with the repositories of two apps (`own`, `other`) and one that belongs to no app (`stray`)."""

    forge: Forge
    people: People
    tokens: Mapping[str, str]
    keys: Mapping[str, Path]


USERS = ("stranger", "viewer", "deployer", "owner", "both", "administrator")
# What fetch and push say, for each caller and repository; nothing when they work.
TABLE = {
    ("stranger", "own"): (MISSING, MISSING),
    ("stranger", "stray"): (MISSING, MISSING),
    ("stranger", "nothing"): (MISSING, MISSING),
    ("viewer", "own"): (DONE, VIEWER),
    ("viewer", "other"): (MISSING, MISSING),
    ("deployer", "own"): (DONE, DONE),
    ("deployer", "other"): (MISSING, MISSING),
    ("owner", "own"): (DONE, DONE),
    ("owner", "other"): (MISSING, MISSING),
    ("owner", "stray"): (MISSING, MISSING),
    ("administrator", "own"): (DONE, DONE),
    ("administrator", "other"): (DONE, DONE),
    ("administrator", "stray"): (DONE, DONE),
    ("administrator", "nothing"): (MISSING, MISSING),
    ("platform", "own"): (DONE, DONE),
    ("platform", "stray"): (DONE, DONE),
    ("owner, scope read", "own"): (DONE, READ),
    ("owner, scope deploy", "own"): (DONE, DONE),
    ("owner of both, only own", "own"): (DONE, DONE),
    ("owner of both, only own", "other"): (MISSING, MISSING),
    ("administrator, only own", "own"): (DONE, DONE),
    ("administrator, only own", "other"): (MISSING, MISSING),
    ("administrator, only own", "stray"): (MISSING, MISSING),
    ("expired", "own"): (UNKNOWN, UNKNOWN),
    ("expired", "nothing"): (UNKNOWN, UNKNOWN),
    ("revoked", "own"): (UNKNOWN, UNKNOWN),
}


@pytest.fixture(scope="module")
def world(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("access")
    with databases.one() as url, forge(folder / "home", url) as running:
        people = People(database=running.database)
        ids = {name: people.user(name, administrator=name == "administrator") for name in USERS}
        people.app("own", owner=ids["owner"])
        people.app("other", owner=ids["both"])
        for name in ("own", "other", "stray"):
            fill(running, name, folder)
        for user, role in (("viewer", AppRole.VIEWER), ("deployer", AppRole.DEPLOYER), ("both", AppRole.OWNER)):
            people.member("own", ids[user], role)
        yield World(
            forge=running,
            people=people,
            tokens=_tokens(people, ids),
            keys={name: people.key(user, folder / name) for name, user in ids.items()},
        )


def _tokens(people: People, ids: Mapping[str, str]) -> dict[str, str]:
    found = {name: people.session(user) for name, user in ids.items()} | {"platform": ADMIN}
    found["owner, scope read"] = people.token(ids["owner"], Scope.READ)
    found["owner, scope deploy"] = people.token(ids["owner"], Scope.DEPLOY)
    found["owner of both, only own"] = people.token(ids["both"], Scope.DEPLOY, app="own")
    found["administrator, only own"] = people.token(ids["administrator"], Scope.ADMIN, app="own")
    found["expired"] = people.token(ids["owner"], Scope.ADMIN, lifetime=timedelta(seconds=-1))
    found["revoked"] = people.token(ids["owner"], Scope.ADMIN)
    assert PostgresAccessTokens(database=people.database).revoke(found["revoked"], user=ids["owner"])
    return found


@pytest.mark.parametrize(("caller", "repository"), TABLE)
def test_a_caller_may_fetch_and_push_over_http_what_the_table_says(
    world: World, tmp_path: Path, caller: str, repository: str
) -> None:
    remote = world.forge.remote(f"{repository}.git", world.tokens[caller])
    before = refs(world, repository)
    check(remote, TABLE[caller, repository], tmp_path)
    pushed = {f"refs/heads/{tmp_path.name}"} if TABLE[caller, repository][1] == DONE else set()
    assert refs(world, repository) - before == pushed


@pytest.mark.parametrize(
    "service", ["git-receive-pack", "git%2Dreceive-pack", "%67it-receive-pack&service=git-upload-pack"]
)
def test_a_viewer_is_not_told_how_to_push_however_the_service_is_written(world: World, service: str) -> None:
    remote = urlsplit(world.forge.remote("own.git", world.tokens["viewer"]))
    coded = base64.b64encode(f"x:{remote.password}".encode()).decode()
    connection = http.client.HTTPConnection(str(remote.hostname), remote.port, timeout=patient(5))
    connection.request("GET", f"{remote.path}/info/refs?service={service}", headers={"Authorization": f"Basic {coded}"})

    assert connection.getresponse().status == HTTPStatus.FORBIDDEN
    connection.close()


@pytest.mark.parametrize(("caller", "repository"), [row for row in TABLE if row[0] in USERS])
def test_a_caller_may_fetch_and_push_over_ssh_what_the_table_says(
    world: World, tmp_path: Path, caller: str, repository: str
) -> None:
    remote = world.forge.over_ssh(f"slipway/{repository}.git")
    before = refs(world, repository)
    check(remote, TABLE[caller, repository], tmp_path, key=world.keys[caller])
    pushed = {f"refs/heads/{tmp_path.name}"} if TABLE[caller, repository][1] == DONE else set()
    assert refs(world, repository) - before == pushed


def check(remote: str, said: tuple[str, str], folder: Path, *, key: Path | None = None) -> None:
    """Fetch and push, and compare what git says."""
    work = clone(folder / "work")
    commit(work, {"b": "2"}, "two")
    fetch, push = said
    output = git("ls-remote", remote, cwd=work, fails=fetch != DONE, key=key)
    assert fetch in output
    output = git("push", remote, f"HEAD:refs/heads/{folder.name}", cwd=work, fails=push != DONE, key=key)
    assert push in output


def refs(world: World, repository: str) -> set[str]:
    """Return the refs of a repository, empty when there is none."""
    folder = world.forge.home / "git" / "slipway" / f"{repository}.git"
    command = ["git", "-C", str(folder), "for-each-ref", "--format=%(refname)"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return set(done.stdout.splitlines())


def test_a_caller_without_a_token_is_asked_for_one_whatever_the_repository(world: World, tmp_path: Path) -> None:
    for repository in ("own", "stray", "nothing"):
        output = git("ls-remote", f"{world.forge.instance.url('git')}/{repository}.git", cwd=tmp_path, fails=True)
        assert "could not read Username" in output


def test_what_ends_a_role_ends_the_access_of_its_user_at_once(world: World, tmp_path: Path) -> None:
    user = world.people.user("leaving")
    token = world.people.session(user)
    world.people.member("own", user, AppRole.DEPLOYER)
    remote = world.forge.remote("own.git", token)
    git("ls-remote", remote, cwd=tmp_path)

    world.people.database.run("delete from app_members where user_id = :user::uuid", user=user)
    assert MISSING in git("ls-remote", remote, cwd=tmp_path, fails=True)
    PostgresAccessTokens(database=world.people.database).revoke_sessions(user, but="")
    for _ in range(2):
        assert UNKNOWN in git("ls-remote", remote, cwd=tmp_path, fails=True)
    audited = world.people.database.run(
        "select actor, target, sum(count) >= 2 from audit_log where action = 'token.refuse' group by 1, 2"
    )
    assert audited == [["127.0.0.1", "git over HTTP", True]]


def test_without_the_database_nobody_is_let_in(databases: Databases, tmp_path: Path) -> None:
    with databases.one() as url, forge(tmp_path / "home", url, reaches="postgresql://x:y@127.0.0.1:1/x") as running:
        running.repositories.create("hello", webhook_secret=HOOK_SECRET)

        output = git("ls-remote", running.remote("hello.git"), cwd=tmp_path, fails=True)
        assert "remote: PostgreSQL does not answer" in output
