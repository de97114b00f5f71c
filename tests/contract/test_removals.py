"""Removals: the fake and the table fulfil the same contract."""

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.workloads import PostgresRemovals
from functions.common.errors import Unavailable
from functions.common.ports.deployer import Removals
from tests.contract.deliveries import NOWHERE
from tests.fakes.removals import FakeRemovals


@pytest.fixture(params=["fake", "postgres"])
def removals(request: pytest.FixtureRequest, database: str) -> Removals:
    return FakeRemovals() if request.param == "fake" else PostgresRemovals(database=Postgres(database))


def test_the_greatest_number_is_kept_for_each_environment(removals: Removals) -> None:
    for through in (2, 5, 3):
        removals.record("hello", "production", through=through)

    found = [
        removals.through("hello", "production"),
        removals.through("hello", "x"),
        removals.through("x", "production"),
    ]
    assert found == [5, 0, 0]


def test_an_outage_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        PostgresRemovals(database=Postgres(NOWHERE)).through("hello", "production")
