"""A release whose push has ended is recovered like a release without a push."""

from datetime import timedelta
from pathlib import Path

import pytest

from functions.common.domain.push import PushState
from functions.common.events.release import ReleaseFailed
from tests.functions.promote_image.promoter import Promoter
from tests.functions.reconcile.ticker import Ticker
from tests.world import World, image

MINUTE, TWO_HOURS = timedelta(minutes=1), timedelta(hours=2)
ENDED = pytest.mark.parametrize("state", [PushState.FAILED, PushState.SUPERSEDED, PushState.IGNORED])


@pytest.fixture
def releasing(world: World, tmp_path: Path) -> str:
    """Return the id of the image.published of a release that the deployer does not know."""
    push = world.push("a")
    published = world.record(image(push))
    Promoter(world, tmp_path / "images").promote(push, cause=published.id)
    world.database.run("delete from platform.workloads")
    world.age("releases", "moved_at", MINUTE)
    return published.id


@ENDED
def test_it_is_requested_again(world: World, ticker: Ticker, releasing: str, state: PushState) -> None:
    world.pushes.advance("a", "hello", state)

    assert [sent.id for sent in ticker.tick("releases")] == [releasing]


@pytest.mark.usefixtures("releasing")
def test_a_release_with_an_unfinished_push_is_recovered_by_the_push(ticker: Ticker) -> None:
    assert ticker.tick("releases") == []


@pytest.mark.usefixtures("releasing")
@ENDED
def test_without_progress_it_fails_and_its_push_is_unchanged(world: World, ticker: Ticker, state: PushState) -> None:
    world.pushes.advance("a", "hello", state, reason="why")
    world.age("releases", "moved_at", TWO_HOURS)

    ticker.tick("releases")

    assert [failed.release for failed in world.sink.of(ReleaseFailed)] == [1]
    assert (world.releases(), world.state("a")) == ([(1, "push", "failed")], state)
    assert world.database.run("select reason from pushes") == [["why"]]
