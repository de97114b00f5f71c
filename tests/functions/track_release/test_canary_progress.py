"""The traffic shares of a canary are recorded for `paas explain`, each once."""

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


def report(log: PostgresEventLog, event: str, **fields: object) -> None:
    token = CURRENT_CAUSE.set(Cause(function="track-release", source="/apis", id=event))
    seen = {"app": "hello", "environment": "production", "push": "p", "release": 2, "phase": "shifting", **fields}
    record_share(WorkloadChanged.model_validate(seen), log=log, clock=FakeClock())
    CURRENT_CAUSE.reset(token)


def test_each_share_is_recorded_once_however_often_it_is_reported(log: PostgresEventLog) -> None:
    for number, weight in enumerate((10, 10, 25, 10, 25, 50)):
        report(log, str(number), weight=weight)

    assert [one.data["weight"] for one in log.of_push("p")] == [10, 25, 50]


def test_another_release_has_its_own_shares(log: PostgresEventLog) -> None:
    report(log, "1", weight=10)
    report(log, "2", weight=10, release=3)

    assert [one.data["release"] for one in log.of_push("p")] == [2, 3]


@pytest.mark.parametrize("fields", [{"phase": "starting"}, {"weight": 0}, {"phase": "live", "weight": 100}])
def test_only_shares_of_a_canary_are_recorded(log: PostgresEventLog, fields: dict[str, object]) -> None:
    report(log, "1", **{"weight": 10, **fields})

    assert log.of_push("p") == ()
