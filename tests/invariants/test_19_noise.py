"""19 noise: who is not trusted leaves a bounded trace, is slowed by address, and delays nobody who is."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.limits import PostgresRateLimit
from functions.common.domain.delivery import Provider
from functions.common.ports.limits import Rate
from tests.api_world import Answered, ApiWorld, api_world
from tests.fakes.loopback_broker import LoopbackBroker
from tests.webhook_sender import PUSHES, Sender, forge_headers, payload, sender

FLOOD, LIMIT, PROCESSES = 300, 60, 4
BODY = payload("forgejo/push")


def forged(forge: Sender, number: int, address: str = "9.8.7.6") -> TestResponse:
    """Send a webhook with an id of its own and a wrong signature, and an address of the sender's choice before."""
    headers = forge_headers("forgejo", PUSHES[Provider.FORGEJO], f"noise-{number}", BODY, secret="a guess")
    return forge.post("/v1/webhooks/forgejo", BODY, {**headers, "X-Forwarded-For": f"8.8.{number % 250}.8, {address}"})


def signed(forge: Sender, delivery: str) -> TestResponse:
    headers = forge_headers("forgejo", PUSHES[Provider.FORGEJO], delivery, BODY)
    return forge.post("/v1/webhooks/forgejo", BODY, {**headers, "X-Forwarded-For": "9.8.7.6"})


def test_invariant_19_a_flood_of_unsigned_webhooks_leaves_two_rows_and_delays_no_signed_one(
    database: str, broker: LoopbackBroker
) -> None:
    """Several processes share the count; each webhook has an id and a forwarded address of its own."""
    forges = [
        sender(database, broker.url, SLIPWAY_TRUSTED_PROXIES="1", SLIPWAY_WEBHOOK_RATE=str(LIMIT))
        for _ in range(PROCESSES)
    ]
    with ThreadPoolExecutor(PROCESSES) as pool:
        answers = list(pool.map(lambda number: forged(forges[number % PROCESSES], number), range(FLOOD)))

    refused = [answer for answer in answers if answer.status_code == 401]
    limited = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) + len(limited) == FLOOD
    assert len(refused) >= LIMIT
    assert limited
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in limited)
    rows = Postgres(database).run("select actor, action, sum(count) from audit_log group by 1, 2 order by 2")
    assert [row[:2] for row in rows] == [
        ["webhook from 9.8.7.6", "webhook.limit"],
        ["webhook from 9.8.7.6", "webhook.refused"],
    ]
    assert rows[1][2] == len(refused)
    assert Postgres(database).run("select count(*) <= 4 from audit_log") == [
        [True]
    ]  # the hour may have ended meanwhile
    assert signed(forges[0], "d-1").status_code == 202
    assert forged(forges[1], 1, address="9.8.7.7").status_code == 401


def test_invariant_19_a_limit_holds_among_concurrent_processes(database: str) -> None:
    """Each has a connection of its own, and all begin at once."""
    limits = [
        PostgresRateLimit(database=Postgres(database), name="test", rate=Rate(burst=10, seconds=3600)) for _ in range(8)
    ]
    start = threading.Barrier(len(limits))

    def take_ten(limit: PostgresRateLimit) -> int:
        start.wait()
        return sum(limit.take("one") == 0 for _ in range(10))

    with ThreadPoolExecutor(len(limits)) as pool:
        assert sum(pool.map(take_ten, limits)) == 10
    assert 3500 < limits[0].take("one") <= 3600
    assert limits[0].take("another") == 0
    limits[0].give_back("one")
    assert [limits[1].take("one") == 0, limits[2].take("one") == 0] == [True, False]


@pytest.mark.parametrize("a_minute", [1, 7, 60, 3000, 10**6, 10**9])
def test_invariant_19_every_rate_can_be_set(database: str, a_minute: int) -> None:
    limit = PostgresRateLimit(database=Postgres(database), name="test", rate=Rate.per_minute(a_minute))
    assert [limit.take("one") for _ in range(min(a_minute, 5))] == [0] * min(a_minute, 5)


def test_invariant_19_beyond_the_limit_nothing_is_written(database: str) -> None:
    rows = Postgres(database)
    limit = PostgresRateLimit(database=rows, name="test", rate=Rate(burst=1, seconds=3600))
    assert limit.take("one") == 0
    before = rows.run("select xmin::text, xmax::text, ctid::text from rate_limits")
    assert all(limit.take("one") > 0 for _ in range(5))
    assert rows.run("select xmin::text, xmax::text, ctid::text from rate_limits") == before


@pytest.fixture
def api(database: str, tmp_path: Path) -> Iterator[ApiWorld]:
    with api_world(database, tmp_path, SLIPWAY_API_RATE="20", SLIPWAY_ADDRESS_RATE="10") as world:
        yield world


def counts(answers: list[Answered]) -> tuple[int, int]:
    """Return how many were limited with Retry-After, and how many were not."""
    limited = [answer for answer in answers if answer.status == 429]
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in limited)
    return len(limited), len(answers) - len(limited)


def test_invariant_19_a_user_is_limited_over_all_tokens_and_nobody_else_is(api: ApiWorld) -> None:
    token = api.user("busy@example.org")
    other = api.call("POST", "/v1/tokens", {"name": "ci"}, token=token).body["token"]
    answers = [api.call("GET", "/v1/whoami", token=(token, other)[number % 2]) for number in range(60)]

    limited, _ = counts(answers)
    assert limited >= 10
    assert api.call("GET", "/v1/whoami", token=api.user("calm@example.org")).status == 200
    entries = api.get("/v1/audit?action=api")["items"]
    assert {(one["actor"], one["action"]) for one in entries} == {("busy@example.org", "api.limit")}


@pytest.mark.parametrize("kind", ["an unknown token", "no token where none is needed", "a wrong password", "a guess"])
def test_invariant_19_strangers_are_limited_by_address_and_audited_in_sum(api: ApiWorld, kind: str) -> None:
    def ask(number: int, address: str) -> Answered:
        sent = {"X-Forwarded-For": f"8.8.8.{number}, {address}"}
        if kind == "an unknown token":
            return api.call("GET", "/v1/apps", token=f"unknown-{number}", headers=sent)
        if kind == "no token where none is needed":
            return api.call("GET", "/v1/openapi.json", scope=None, headers=sent)
        if kind == "a guess":
            body = {"token": f"guess-{number}", "password": "a long password"}
            return api.call("POST", "/v1/auth/invitation", body, scope=None, headers=sent)
        body = {"email": f"u{number}@example.org", "password": "wrong"}
        return api.call("POST", "/v1/auth/login", body, scope=None, headers=sent)

    limited, _ = counts([ask(number, "9.8.7.6") for number in range(60)])
    assert limited >= 10
    assert ask(99, "9.8.7.7").status != 429
    ((rows,),) = api.database.run("select count(*) from audit_log where actor = '9.8.7.6' or detail = '9.8.7.6'")
    assert rows <= 4


def test_invariant_19_a_rate_of_zero_sets_no_limit(database: str, tmp_path: Path) -> None:
    with api_world(database, tmp_path, SLIPWAY_API_RATE="0", SLIPWAY_ADDRESS_RATE="0") as world:
        answers = [world.call("GET", "/v1/openapi.json", scope=None) for _ in range(20)]
        answers += [world.call("GET", "/v1/whoami") for _ in range(20)]
        assert {answer.status for answer in answers} == {200}
        assert world.database.run("select count(*) from rate_limits") == [[0]]
