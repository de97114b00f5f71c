"""The API of each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api_world import ApiWorld, api_world
from tests.story import Story


@pytest.fixture
def api(database: str, tmp_path: Path) -> Iterator[ApiWorld]:
    with api_world(database, tmp_path) as world:
        yield world


@pytest.fixture
def story(api: ApiWorld) -> Story:
    return Story(database=api.database)
