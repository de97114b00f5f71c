"""Commit statuses: the fake, git notes and the API of Forgejo and Gitea fulfil the same contract."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from functions.common.adapters.forges.gitea import GiteaApi, GiteaStatuses
from functions.common.adapters.local.repositories import GitNotes
from functions.common.errors import NotFound, Rejected, Unavailable
from tests.contract.commit_statuses import CONTEXT, URL, CommitStatusesContract, StatusWorld, post
from tests.fakes.commit_statuses import FakeCommitStatuses
from tests.fakes.loopback_gitea import TOKEN, LoopbackGitea, loopback_gitea
from tests.local.git.forge import commit, git
from tests.local.repositories import GIT, make_repository
from tests.real_gitea import ask, real_forge, real_organisation, real_repository, working_copy

BASE = "http://127.0.0.1:3000"
FOREIGN = "https://forge.example.org/team/hello.git"


class _FakeWorld:
    repository, foreign, sha = "team/hello", FOREIGN, "a" * 40

    def __init__(self) -> None:
        self.statuses = FakeCommitStatuses(commits={(self.repository, self.sha)})

    def shown(self) -> dict[str, tuple[str, str, str]]:
        return {context: shown for (_, context), shown in self.statuses.shown.items()}

    def break_down(self) -> None:
        self.statuses.down = True


class _NotesWorld:
    repository, foreign = f"{BASE}/team/hello.git", FOREIGN

    def __init__(self, folder: Path) -> None:
        git = make_repository(folder)
        self.sha = git.commit({"index.html": "hello"})
        (folder / "git" / "team").mkdir(parents=True)
        self.bare = git.bare.rename(folder / "git" / "team" / "hello.git")
        self.statuses = GitNotes(folder=folder / "git", base_url=BASE)

    def shown(self) -> dict[str, tuple[str, str, str]]:
        notes = self.bare / "refs" / "notes" / "slipway"
        if not notes.exists():
            return {}
        lines = self._git("notes", "--ref=slipway", "show", self.sha).splitlines()
        fields = [line.split("\t") for line in lines if line]
        return {context: (state, description, url) for context, state, description, url in fields}

    def break_down(self) -> None:
        (self.bare / "refs" / "notes").write_text("in the way")

    def _git(self, *words: str) -> str:
        return subprocess.run([GIT, "-C", self.bare, *words], check=True, capture_output=True, text=True).stdout


class _GiteaWorld:
    foreign = "https://codeberg.example.org/team/hello.git"

    def __init__(self, gitea: LoopbackGitea) -> None:
        self.gitea = gitea
        self.repository, self.sha = f"{gitea.url}/{gitea.repository}.git", gitea.sha
        self.statuses = GiteaStatuses(api=GiteaApi(url=gitea.url, token=TOKEN))

    def shown(self) -> dict[str, tuple[str, str, str]]:
        return {
            fields["context"]: (fields["state"], fields["description"], fields["target_url"])
            for fields in self.gitea.posted
        }

    def break_down(self) -> None:
        self.statuses = GiteaStatuses(api=GiteaApi(url="http://127.0.0.1:1", token=TOKEN))
        self.repository = "team/hello"


class TestFake(CommitStatusesContract):
    """In memory."""

    @pytest.fixture
    def world(self) -> StatusWorld:
        """Return a new forge."""
        return _FakeWorld()


class TestGitNotes(CommitStatusesContract):
    """Notes in a real repository."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> StatusWorld:
        """Return a repository with one commit."""
        return _NotesWorld(tmp_path)

    def test_concurrent_statuses_are_all_kept(self, tmp_path: Path) -> None:
        """In git alone the last writer would win."""
        world = _NotesWorld(tmp_path)
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda number: post(world, context=f"slipway/app-{number}/production"), range(6)))
        assert len(world.shown()) == 6

    @pytest.mark.parametrize("name", ["team/hello", "127.0.0.1:3000/team/hello", f"{BASE}/team/hello"])
    def test_a_repository_is_found_by_name_key_and_url(self, tmp_path: Path, name: str) -> None:
        """Statuses use all three."""
        world = _NotesWorld(tmp_path)
        world.statuses.post(name, world.sha, state="success", description="x", context=CONTEXT, target_url=URL)
        assert list(world.shown()) == [CONTEXT]

    @pytest.mark.parametrize("name", ["../hello", "team/..", "no/such", "127.0.0.1:9/team/hello", "a/b/c", ""])
    def test_a_name_of_no_repository_is_ignored(self, tmp_path: Path, name: str) -> None:
        """And no path outside the folder is used."""
        world = _NotesWorld(tmp_path)
        world.statuses.post(name, world.sha, state="success", description="x", context=CONTEXT, target_url=URL)
        assert world.shown() == {}


@pytest.fixture
def gitea() -> Iterator[LoopbackGitea]:
    """Yield a running forge."""
    with loopback_gitea() as running:
        yield running


class TestGitea(CommitStatusesContract):
    """HTTP on this machine."""

    @pytest.fixture
    def world(self, gitea: LoopbackGitea) -> StatusWorld:
        """Return the forge with its one commit."""
        return _GiteaWorld(gitea)

    def test_a_temporary_failure_is_repeated(self, gitea: LoopbackGitea) -> None:
        """Within the same call."""
        gitea.failures = [502, 503]
        world = _GiteaWorld(gitea)
        post(world)
        assert list(world.shown()) == [CONTEXT]

    def test_a_forge_that_keeps_failing_is_unavailable(self, gitea: LoopbackGitea) -> None:
        """After three attempts."""
        gitea.failures = [500] * 9
        with pytest.raises(Unavailable, match="500"):
            post(_GiteaWorld(gitea))
        assert gitea.requests == 3

    def test_too_many_requests_is_unavailable(self, gitea: LoopbackGitea) -> None:
        """The broker tries again later."""
        gitea.failures = [429]
        with pytest.raises(Unavailable, match="429"):
            post(_GiteaWorld(gitea))

    def test_a_wrong_token_is_rejected_naming_the_remedy_and_not_the_token(self, gitea: LoopbackGitea) -> None:
        """Repeating would not help."""
        world = _GiteaWorld(gitea)
        world.statuses = GiteaStatuses(api=GiteaApi(url=gitea.url, token="stolen"))
        with pytest.raises(Rejected, match="write:repository") as refused:
            post(world)
        assert not isinstance(refused.value, NotFound)
        assert "stolen" not in f"{refused.value}{world.statuses!r}"

    def test_a_refusal_is_rejected(self, gitea: LoopbackGitea) -> None:
        """Repeating would not help."""
        gitea.failures = [422]
        with pytest.raises(Rejected, match="422"):
            post(_GiteaWorld(gitea))


class _RealWorld:
    foreign = "https://codeberg.example.org/team/hello.git"

    def __init__(self, api: GiteaApi, organisation: str, folder: Path) -> None:
        self.api, self.organisation = api, organisation
        self.repository = real_repository(api, organisation, "hello")
        work = working_copy(api, folder / "work")
        self.sha = commit(work, {"index.html": "hello"}, "one")
        git("push", "-q", self.repository, "main", cwd=work)
        self.statuses = GiteaStatuses(api=api)

    def shown(self) -> dict[str, tuple[str, str, str]]:
        combined = ask(self.api, "GET", f"/repos/{self.organisation}/hello/commits/{self.sha}/status")
        found = combined["statuses"] or []
        return {one["context"]: (one["status"], one["description"], one["target_url"]) for one in found}

    def break_down(self) -> None:
        self.statuses = GiteaStatuses(api=GiteaApi(url="http://127.0.0.1:1", token=TOKEN))
        self.repository = "team/hello"


@pytest.mark.gitea
class TestRealGitea(CommitStatusesContract):
    """A real one."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[StatusWorld]:
        """Yield a repository with one commit."""
        api = real_forge()
        with real_organisation(api) as organisation:
            yield _RealWorld(api, organisation, tmp_path)

    def test_a_repository_that_does_not_exist_is_not_found(self, world: _RealWorld) -> None:
        """Like a commit that does not exist."""
        world.repository = world.repository.replace("hello", "other")
        with pytest.raises(NotFound):
            post(world)

    def test_a_wrong_token_is_rejected_naming_the_remedy(self, world: _RealWorld) -> None:
        """Repeating would not help."""
        world.statuses = GiteaStatuses(api=GiteaApi(url=world.api.url, token="stolen"))
        with pytest.raises(Rejected, match="write:repository"):
            post(world)
