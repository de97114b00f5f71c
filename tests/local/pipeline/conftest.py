"""One running platform for the whole folder."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.local.pipeline.stage import Stage

PLATFORM = pytest.StashKey[ExitStack]()


@pytest.fixture(scope="session")
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Return the platform that all tests of this folder share; each makes apps of its own."""
    # Not tmp_path: PostgreSQL may run as another user, who must be able to reach the folder.
    with ExitStack() as platform:
        folder = tempfile.TemporaryDirectory(prefix="slipway-pipeline-", ignore_cleanup_errors=True)
        Path(platform.enter_context(folder)).chmod(0o711)
        stage = Stage(folder=Path(folder.name))
        platform.callback(stage.stop)
        stage.start()
        request.session.stash[PLATFORM] = platform
        yield stage


@pytest.hookimpl(trylast=True)  # after the fixtures that use it
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Stop the platform after the last test of this folder: it takes CPU time from all that come later."""
    if nextitem is None or not nextitem.path.is_relative_to(Path(__file__).parent):
        item.session.stash.get(PLATFORM, ExitStack()).close()
