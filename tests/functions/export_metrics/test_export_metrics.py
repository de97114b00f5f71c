"""export-metrics: what Prometheus reads, and who may."""

from collections.abc import Iterator

import pytest
from flask import Flask, Response, request
from prometheus_client.parser import text_string_to_metric_families

from functions.common.adapters.postgres.access import PostgresAccessTokens
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.limits import strangers
from functions.common.adapters.postgres.usage import PostgresTotals
from functions.common.ports.accounts import Scope
from functions.export_metrics.endpoint import MetricsEndpoint
from tests.api_world import ApiWorld, api_world
from tests.contract.deliveries import NOWHERE
from tests.story import Story


class Stage:
    """The endpoint over the API's database."""

    def __init__(self, api: ApiWorld) -> None:
        self.api, self.story = api, Story(database=api.database)
        self.endpoint = _endpoint(api.database)
        self._flask = Flask("function")

    def call(self, token: str = "", path: str = "/metrics", method: str = "GET") -> Response:
        """Return the answer to a request."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with self._flask.test_request_context(path, method=method, headers=headers):
            return self.endpoint(request)

    def values(self, token: str) -> dict[tuple[str, ...], float]:
        """Return the samples by name and labels."""
        text = self.call(token).get_data(as_text=True)
        families = text_string_to_metric_families(text)
        return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def _endpoint(database: Postgres) -> MetricsEndpoint:
    return MetricsEndpoint(
        tokens=PostgresAccessTokens(database=database),
        totals=PostgresTotals(database=database),
        strangers=strangers(database, "the metrics", rate=10, proxies=1),
    )


def test_unknown_tokens_are_audited_in_sum_and_limited(stage: Stage) -> None:
    answers = [stage.call(f"unknown-{number}") for number in range(30)]

    limited = [answer for answer in answers if answer.status_code == 429]
    assert len(limited) >= 5
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in limited)
    rows = stage.api.database.run(
        "select action, target, sum(count) from audit_log where action like 'token.%' group by 1, 2 order by 1"
    )
    assert [row[:2] for row in rows] == [["token.limit", "the metrics"], ["token.refuse", "the metrics"]]
    assert rows[1][2] == 30 - len(limited)


@pytest.fixture
def stage(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with api_world(database, tmp_path_factory.mktemp("home")) as api:
        yield Stage(api)


def test_the_totals_are_those_of_the_rows(stage: Stage) -> None:
    admin = stage.api.user("admin@example.org", administrator=True)
    stage.api.app("shop", token=admin)
    stage.story.delivery("d-1", event_id="push-1")
    stage.story.push("push-1")
    stage.story.build("build-1")
    stage.story.release(1, state="retired")
    stage.story.release(2, state="live")
    found = stage.values(admin)

    assert found["slipway_webhook_deliveries_total", "accepted", "forgejo"] == 1
    assert (found["slipway_releases", "live"], found["slipway_releases", "retired"]) == (1, 1)
    assert sum(value for (name, *_), value in found.items() if name == "slipway_builds") == 1
    assert sum(value for (name, *_), value in found.items() if name == "slipway_pushes") == 1
    assert (found["slipway_apps",], found["slipway_environments",], found["slipway_dead_letters",]) == (1, 1, 0)
    assert all(name.startswith("slipway_") for name, *_ in found)


def test_an_empty_platform_has_metrics_too(stage: Stage) -> None:
    found = stage.values(stage.api.user("admin@example.org", administrator=True))

    assert (found["slipway_apps",], found["slipway_events_unpublished_oldest_seconds",]) == (0, 0)


def test_only_administrators_read_them(stage: Stage) -> None:
    admin = stage.api.user("admin@example.org", administrator=True)
    stage.api.app("shop", token=admin)

    def new(**fields: object) -> str:
        made = stage.api.call("POST", "/v1/tokens", {"name": f"t{len(stage.api.answers)}", **fields}, token=admin)
        return str(made.body["token"])

    statuses = {
        "none": stage.call().status_code,
        "wrong": stage.call("wrong").status_code,
        "user": stage.call(stage.api.user("dev@example.org")).status_code,
        "for one app": stage.call(new(scope=Scope.ADMIN, app="shop")).status_code,
        "read": stage.call(new(scope=Scope.READ)).status_code,
    }

    assert statuses == {"none": 401, "wrong": 401, "user": 403, "for one app": 403, "read": 200}
    assert (stage.call(admin, "/other").status_code, stage.call(admin, method="POST").status_code) == (404, 405)


def test_a_database_that_is_down_is_503() -> None:
    endpoint = _endpoint(Postgres(NOWHERE))
    with Flask("function").test_request_context("/metrics", headers={"Authorization": "Bearer t"}):
        answer = endpoint(request)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
