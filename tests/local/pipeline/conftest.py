"""One running platform for the whole folder."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.pipeline.stage import Stage


@pytest.fixture(scope="package")
def stage() -> Iterator[Stage]:
    """Return the platform that all tests of this folder share; each makes apps of its own. It goes with the last."""
    # Not tmp_path: PostgreSQL may run as another user, who must be able to reach the folder.
    with tempfile.TemporaryDirectory(prefix="slipway-pipeline-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        stage = Stage(folder=Path(folder))
        try:
            stage.start()
            yield stage
        finally:
            stage.stop()
