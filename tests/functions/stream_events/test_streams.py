"""What a stream carries, who may watch, and when it ends."""

import threading
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest

from functions.common.adapters.postgres.access import PostgresAccessTokens
from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.tokens import digest_of
from functions.common.events.build import BuildFailed, BuildRequested, BuildStarted
from functions.common.events.release import ReleaseLive
from functions.common.ports.accounts import Scope
from functions.stream_events.hub import WAITING, Viewer
from tests.functions.stream_events.conftest import StreamWorld, served
from tests.local.waiting import until
from tests.story import KEY, SHA

PUSH = "push-1"
WHERE: dict[str, Any] = {"app": "shop", "environment": "production", "push": PUSH}
REQUESTED = BuildRequested(**WHERE, repository=KEY, clone_url="", ref="r", sha=SHA, sequence=1)
STARTED = BuildStarted(**WHERE, repository=KEY, build="shop-1", sha=SHA, sequence=1)
LIVE = ReleaseLive(**WHERE, release=1, digest="sha256:1", sha=SHA, url="https://shop.example.org/")


@pytest.fixture
def owner(streams: StreamWorld) -> str:
    """Return the token of the owner of an app with a push that is being built."""
    token = streams.api.user("owner@example.org")
    streams.api.app("shop", token=token)
    streams.story.push(PUSH, state="building")
    return token


def failed(app: str) -> BuildFailed:
    where = {**WHERE, "app": app}
    return BuildFailed(
        **where, repository=KEY, build=f"{app}-1", sha=SHA, step="build", reason=f"{app} has no Procfile"
    )


def test_a_viewer_sees_each_step_as_it_is_recorded(streams: StreamWorld, owner: str) -> None:
    streams.record(REQUESTED)
    reader = streams.watch(f"push={PUSH}", owner)
    started, live = streams.record(STARTED), streams.record(LIVE)
    reader.wait(lambda one: one.states()[-1:] == ["live"])

    rows = [data for name, data in reader.messages if name == "step-shop"]
    assert "build requested" in rows[0]
    assert f'id="running-{started}"' in "".join(rows)
    assert f'id="live-{live}"' in "".join(rows)
    assert '<a href="https://shop.example.org/" rel="noreferrer">' in "".join(rows)


def test_what_an_event_says_is_escaped_and_stays_in_its_message(streams: StreamWorld, owner: str) -> None:
    reader = streams.watch(f"push={PUSH}", owner)
    reason = "<script>alert(1)</script>\r\n\r\nevent: state-shop\r\ndata: live"
    streams.record(BuildFailed(**WHERE, repository=KEY, build="b", sha=SHA, step="build", reason=reason))
    reader.wait(lambda one: one.states()[-1:] == ["failed"])

    assert "<script>" not in reader.text
    assert {name for name, _ in reader.messages} == {"step-shop", "state-shop", "changed"}


def test_a_dead_letter_is_shown_as_a_parked_step(streams: StreamWorld, owner: str) -> None:
    reader = streams.watch(f"push={PUSH}", owner)
    streams.story.dead_letter(streams.story.event(REQUESTED), error="no such thing")

    reader.wait(lambda one: "build parked" in one.text)
    assert "start-build could not handle build.requested: no such thing" in reader.text


def test_a_member_of_one_app_sees_nothing_of_another_app_of_the_push(streams: StreamWorld, owner: str) -> None:
    streams.api.app("other")
    streams.story.push(PUSH, app="other", state="building")
    reader = streams.watch(f"push={PUSH}", owner)
    streams.record(failed("other"))
    streams.record(failed("shop"))
    reader.wait(lambda one: "shop has no Procfile" in one.text)

    assert "other" not in reader.text


def test_a_member_sees_nothing_of_an_app_that_had_the_name_before(streams: StreamWorld, owner: str) -> None:
    streams.api.app("other")
    streams.record(failed("other"))
    assert streams.api.call("DELETE", "/v1/apps/other").status == HTTPStatus.ACCEPTED
    streams.api.app("other", token=owner)
    reader = streams.watch(f"push={PUSH}", owner)
    streams.record(failed("shop"))
    reader.wait(lambda one: "shop has no Procfile" in one.text)

    assert "other" not in reader.text


@pytest.mark.parametrize("query", [f"push={PUSH}", "app=shop"])
def test_strangers_learn_nothing(streams: StreamWorld, owner: str, query: str) -> None:
    del owner
    stranger = streams.api.user("stranger@example.org")
    PostgresAccessTokens(database=streams.api.database).add(
        "ci", Scope.READ, digest=digest_of("for-none"), user="", app=streams.api.app("none")["name"],
        lifetime=timedelta(hours=1),
    )  # fmt: skip

    assert streams.answer(query, stranger).status_code == HTTPStatus.NOT_FOUND
    assert streams.answer(query, "for-none").status_code == HTTPStatus.NOT_FOUND
    assert streams.answer(query, "wrong").status_code == HTTPStatus.UNAUTHORIZED
    assert streams.answer("push=unknown", stranger).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("query", ["", "push=a&app=b", "push=", "push=%00", "app=%0a"])
def test_a_request_must_name_one_push_or_one_app(streams: StreamWorld, query: str) -> None:
    assert streams.answer(query, streams.api.user("a@example.org")).status_code == HTTPStatus.BAD_REQUEST


def test_the_cookie_of_the_dashboard_is_enough(streams: StreamWorld, owner: str) -> None:
    headers = {"Authorization": "", "Cookie": f"__Host-slipway-session={owner}"}
    reader = streams.watch("app=shop", "", headers)
    streams.record(STARTED)
    reader.wait(lambda one: ("changed", "") in one.messages)

    assert "no-store" in reader.answer.headers["Cache-Control"]


def test_a_browser_that_comes_back_gets_what_it_missed_and_not_what_is_old(streams: StreamWorld, owner: str) -> None:
    old = streams.record(REQUESTED)
    streams.api.database.run("update events set recorded_at = now() - interval '2 minutes'")
    (seen,) = streams.api.database.run("select sequence from events where id = :id", id=old)[0]
    missed = streams.record(STARTED)
    reader = streams.watch(f"push={PUSH}", owner, {"Last-Event-ID": str(seen)})
    reader.wait(lambda one: missed in one.text)

    assert old not in reader.text
    assert streams.watch(f"push={PUSH}", owner, {"Last-Event-ID": "x" * 50}).answer.status_code == HTTPStatus.OK


def test_a_stream_ends_at_its_limit(streams: StreamWorld, owner: str, database: str) -> None:
    short = StreamWorld(
        flask=served(database, streams.api.home, SLIPWAY_STREAM_SECONDS="0.5"), api=streams.api, story=streams.story
    )
    short.watch(f"push={PUSH}", owner).wait_for_end()


def test_a_quiet_stream_shows_that_it_lives(streams: StreamWorld, owner: str) -> None:
    streams.watch(f"push={PUSH}", owner).wait(lambda one: ": still here" in one.text)


def test_a_stream_does_not_outlive_its_token(streams: StreamWorld, owner: str) -> None:
    streams.api.database.run("update api_tokens set expires_at = now() + interval '1 second' where kind = 'session'")
    streams.watch(f"push={PUSH}", owner).wait_for_end()


@pytest.mark.parametrize(
    "change",
    [
        "delete from app_members",
        "update api_tokens set revoked_at = now() where kind = 'session'",
        "delete from users where email = 'owner@example.org'",
    ],
)
def test_a_stream_ends_when_its_viewer_may_not_watch_any_more(streams: StreamWorld, owner: str, change: str) -> None:
    reader = streams.watch(f"push={PUSH}", owner)
    streams.api.database.run(change)
    reader.wait_for_end()

    assert streams.answer(f"push={PUSH}", owner).status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND}


def test_a_lost_connection_ends_the_streams_and_none_is_missed_when_they_come_back(
    streams: StreamWorld, owner: str
) -> None:
    reader = streams.watch(f"push={PUSH}", owner)
    streams.api.database.run(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = current_user"
        " and pid <> pg_backend_pid() and query in ('select 1', 'listen slipway_access') or query like '%event_watch%'"
        " and pid <> pg_backend_pid()"
    )
    reader.wait_for_end()
    streams.record(LIVE)

    streams.watch(f"push={PUSH}", owner).wait(lambda one: one.states()[-1:] == ["live"])


def test_many_viewers_take_one_connection_and_a_few_for_their_start(streams: StreamWorld, owner: str) -> None:
    def connections() -> int:
        sql = "select count(*) from pg_stat_activity where usename = current_user"
        return int(streams.api.database.run(sql)[0][0])

    before = connections()
    readers = [streams.watch(f"push={PUSH}", owner) for _ in range(30)]
    streams.record(LIVE)
    for reader in readers:
        reader.wait(lambda one: one.states()[-1:] == ["live"])

    assert connections() - before <= 4 + 1 + 2  # for the start of streams, to listen, to load what was announced


def test_nothing_is_announced_while_nobody_watches(streams: StreamWorld, database: str) -> None:
    with_listener = Postgres(database)
    with_listener.run("listen slipway_events")
    streams.record(REQUESTED)
    with_listener.run("select 1")
    quiet = list(with_listener._local.connection.notifications)  # noqa: SLF001 - pg8000's, below our client
    streams.api.database.run("insert into event_watch (until) values (now() + interval '1 minute')")
    streams.record(STARTED)
    with_listener.run("select 1")

    assert quiet == []
    assert len(with_listener._local.connection.notifications) == 1  # noqa: SLF001 - as above


def test_a_viewer_that_reads_too_slowly_is_ended_and_holds_no_more_than_a_few_events() -> None:
    viewer = Viewer(user="", push=PUSH)
    for _ in range(WAITING):
        viewer.waiting.put_nowait(None)
    viewer.end()

    assert viewer.has_ended
    assert viewer.waiting.qsize() == WAITING


def test_the_feed_stops_when_nobody_watches(streams: StreamWorld, owner: str) -> None:
    reader = streams.watch(f"push={PUSH}", owner)
    reader.has_left.set()
    reader.wait_for_end()
    assert until(lambda: not [one for one in threading.enumerate() if one.name == "feed"], seconds=45)
