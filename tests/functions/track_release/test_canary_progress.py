"""A canary's shares are recorded for `paas explain`, each once."""

from collections.abc import Iterator

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.events import PostgresEventLog
from functions.common.events.base import CURRENT_CAUSE, Cause
from functions.common.events.release import WorkloadChanged
from functions.track_release.canary_progress import record_share
from tests.fakes.clock import FakeClock


@pytest.fixture
def log(database: str) -> Iterator[PostgresEventLog]:
    postgres = Postgres(database)
    yield PostgresEventLog(database=postgres)
    postgres.close()


def told(log: PostgresEventLog, event: str, **fields: object) -> None:
    token = CURRENT_CAUSE.set(Cause(function="track-release", source="/apis", id=event))
    seen = {"app": "hello", "environment": "production", "push": "p", "release": 2, "phase": "shifting", **fields}
    record_share(WorkloadChanged.model_validate(seen), log=log, clock=FakeClock())
    CURRENT_CAUSE.reset(token)


def test_each_share_is_recorded_once_however_often_it_is_told(log: PostgresEventLog) -> None:
    for number, weight in enumerate((10, 10, 25, 10, 25, 50)):
        told(log, str(number), weight=weight)

    assert [one.data["weight"] for one in log.of_push("p")] == [10, 25, 50]


def test_another_release_has_shares_of_its_own(log: PostgresEventLog) -> None:
    told(log, "1", weight=10)
    told(log, "2", weight=10, release=3)

    assert [one.data["release"] for one in log.of_push("p")] == [2, 3]


@pytest.mark.parametrize("fields", [{"phase": "starting"}, {"weight": 0}, {"phase": "live", "weight": 100}])
def test_what_is_no_share_of_a_canary_is_not_recorded(log: PostgresEventLog, fields: dict[str, object]) -> None:
    told(log, "1", **{"weight": 10, **fields})

    assert log.of_push("p") == ()
