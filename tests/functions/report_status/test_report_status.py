"""report-status: a commit shows its newest status; events without a commit show none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.common.adapters.postgres.forge import PostgresCommitLookup, PostgresStatusJournal
from functions.common.errors import Unavailable
from functions.common.events.base import Event
from functions.common.events.build import BuildFailed, BuildRequested, BuildStarted
from functions.common.events.push import PushIgnored, PushSuperseded
from functions.common.events.release import ReleaseFailed, ReleaseLive, ReleaseStarted, ReleaseSuperseded
from functions.common.ports.forge import CommitStatus
from functions.report_status.handler import Links, handle, show
from functions.report_status.wording import wording
from tests.fakes.commit_statuses import FakeCommitStatuses
from tests.functions.promote_image.promoter import Promoter
from tests.world import REPOSITORY, World, caused_by

PRODUCTION = "slipway/hello/production"
OF = {"app": "hello", "environment": "production", "push": "a"}
APP_URL = "https://hello.apps.example.org/"
REQUESTED = BuildRequested(**OF, repository="team/hello", clone_url="", ref="refs/heads/main", sha="a", sequence=1)
STARTED = BuildStarted(**OF, repository="team/hello", build="b", sha="a", sequence=1)
BUILD_FAILED = BuildFailed(**OF, repository="team/hello", build="b", sha="a", step="install", reason="no such package")
RELEASED = ReleaseStarted(**OF, release=1, digest="d", sha="a")
LIVE = ReleaseLive(**OF, release=1, digest="d", sha="a", url=APP_URL)
RELEASE_FAILED = ReleaseFailed(**OF, release=1, sha="a", step="health check", reason="/ answered 500")
SUPERSEDED = PushSuperseded(**OF, repository="team/hello", sha="a", reason="b was pushed")


class Reporter:
    """report-status with a forge that is looked into."""

    def __init__(self, world: World) -> None:
        self.facts = PostgresCommitLookup(database=world.database)
        self.journal = PostgresStatusJournal(database=world.database)
        self.forge = FakeCommitStatuses(commits={(REPOSITORY, sha) for sha in ("a", "b")})

    def report(self, event: Event, cause: str = "") -> None:
        """Handle one event."""
        with caused_by(cause or f"{event.type} {event.push}"):
            handle(
                event,
                facts=self.facts,
                journal=self.journal,
                statuses=self.forge,
                links=Links(gateway="https://api.example.org"),
            )

    def state(self, sha: str = "a") -> str:
        """Return what the forge shows."""
        return self.forge.shown[sha, PRODUCTION][0]


@pytest.fixture
def world(database: str) -> Iterator[World]:
    world = World(database)
    world.app()
    world.push("a")
    yield world
    world.database.close()


@pytest.fixture
def reporter(world: World) -> Reporter:
    return Reporter(world)


def test_each_step_is_shown_at_the_commit(reporter: Reporter) -> None:
    seen = []
    for event in (REQUESTED, STARTED, RELEASED, LIVE):
        reporter.report(event)
        seen.append(reporter.forge.shown["a", PRODUCTION])
    api = "https://api.example.org/v1/apps/hello"
    assert seen == [
        ("pending", "Waiting for the build", api),
        ("pending", "Building", api),
        ("pending", "Releasing v1", api),
        ("success", f"Live as v1 at {APP_URL}", APP_URL),
    ]


@pytest.mark.parametrize("ending", [BUILD_FAILED, RELEASE_FAILED, SUPERSEDED, LIVE], ids=lambda event: event.type)
@pytest.mark.parametrize("late", [REQUESTED, STARTED, RELEASED], ids=lambda event: event.type)
def test_a_late_step_does_not_overwrite_the_end(reporter: Reporter, ending: Event, late: Event) -> None:
    reporter.report(ending)
    shown, posts = dict(reporter.forge.shown), reporter.forge.posts
    reporter.report(late)
    assert (reporter.forge.shown, reporter.forge.posts) == (shown, posts)


def test_a_second_push_of_the_commit_replaces_the_status(world: World, reporter: Reporter) -> None:
    reporter.report(BUILD_FAILED)
    world.database.run(
        "insert into pushes (id, app, environment, repository, ref, sha, state) "
        "values ('again', 'hello', 'production', :repository, 'refs/heads/main', 'a', 'received')",
        repository=REPOSITORY,
    )
    reporter.report(REQUESTED.model_copy(update={"push": "again"}))
    assert reporter.state() == "pending"
    reporter.report(RELEASE_FAILED)
    assert reporter.state() == "pending"


def test_a_rollback_is_newer_than_the_push_of_its_commit(world: World, reporter: Reporter, tmp_path: Path) -> None:
    promoter = Promoter(world, tmp_path / "images")
    world.database.run("update pushes set received_at = received_at - interval '1 minute'")
    push = world.push("a")
    promoter.promote(push)
    reporter.report(LIVE)
    promoter.roll_back(1)
    failed = ReleaseFailed(app="hello", environment="production", release=2, sha="a", step="canary", reason="errors")
    reporter.report(failed)
    assert reporter.forge.shown["a", PRODUCTION][:2] == ("failure", "Release failed at canary: errors")


def test_the_repository_of_an_event_is_found_by_its_push(reporter: Reporter) -> None:
    reporter.report(ReleaseSuperseded(**OF, sha="a", reason="release v2 replaced it"))
    assert reporter.forge.shown["a", PRODUCTION][:2] == ("error", "Superseded: release v2 replaced it")


def test_an_ignored_push_has_its_reason(world: World, reporter: Reporter) -> None:
    world.push("b")
    ignored = PushIgnored(
        app="hello", environment="production", push="b", repository="team/hello", branch="main", sha="b",
        code="skip-ci", reason="the commit message says [skip ci]",
    )  # fmt: skip
    reporter.report(ignored)
    assert reporter.forge.shown["b", PRODUCTION][:2] == ("success", "Skipped: the commit message says [skip ci]")


@pytest.mark.parametrize(("app", "code"), [("", "no-app"), ("hello", "duplicate")])
def test_no_app_and_duplicates_have_no_status(reporter: Reporter, app: str, code: str) -> None:
    event = PushIgnored(app=app, push="a", repository=REPOSITORY, branch="main", sha="a", code=code, reason="x")
    reporter.report(event)
    assert reporter.forge.shown == {}


def test_a_release_without_a_known_commit_has_no_status(reporter: Reporter) -> None:
    reporter.report(ReleaseFailed(app="hello", environment="production", release=0, sha="", step="x", reason="y"))
    assert reporter.forge.shown == {}


def test_a_deleted_branch_has_no_commit_to_show_a_status_at(reporter: Reporter) -> None:
    deleted = PushIgnored(
        app="hello", environment="production", push="d", repository=REPOSITORY, branch="main", sha="0" * 40,
        code="branch-deleted", reason="the production branch main was deleted",
    )  # fmt: skip
    reporter.report(deleted)
    assert reporter.forge.shown == {}


def test_a_forge_that_is_down_is_tried_again_later(reporter: Reporter) -> None:
    reporter.forge.down = True
    with pytest.raises(Unavailable):
        reporter.report(LIVE)
    reporter.forge.down = False
    reporter.report(LIVE)
    assert reporter.state() == "success"


def test_descriptions_fit_into_140_characters_on_one_line() -> None:
    text = wording(BUILD_FAILED.model_copy(update={"reason": "no\nsuch " * 100}))
    assert len(text.description) == 140
    assert "\n" not in text.description
    assert text.description.endswith("…")


class Overtaking(FakeCommitStatuses):
    """A forge at which, while the first status is being posted, a newer one comes in."""

    def __init__(self, journal: PostgresStatusJournal, newer: CommitStatus) -> None:
        super().__init__(commits={(REPOSITORY, "a")})
        self.journal, self.newer, self.first = journal, newer, True

    def post(self, repository: str, sha: str, *, state: str, description: str, context: str, target_url: str) -> None:
        """Let the newer one come first, and be overwritten."""
        if self.first:
            self.first = False
            show(self.newer, journal=self.journal, statuses=self)
        super().post(repository, sha, state=state, description=description, context=context, target_url=target_url)


def test_of_two_concurrent_statuses_the_newer_one_remains(world: World) -> None:
    journal = PostgresStatusJournal(database=world.database)
    common = {"repository": REPOSITORY, "sha": "a", "context": PRODUCTION, "description": "", "target_url": ""}
    older = CommitStatus(**common, event="1", position=1, rank=1, state="pending")
    newer = CommitStatus(**common, event="2", position=1, rank=4, state="success")
    forge = Overtaking(journal, newer)
    show(older, journal=journal, statuses=forge)
    assert forge.shown["a", PRODUCTION][0] == "success"
