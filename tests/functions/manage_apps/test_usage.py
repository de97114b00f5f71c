"""What an app used, by month."""

from tests.api_world import ApiWorld
from tests.story import Story


def test_builds_and_releases_count_in_their_month(api: ApiWorld, story: Story) -> None:
    api.app()
    api.app("other")
    for number in range(3):
        story.build(f"build-{number}")
    story.release(1, state="live")
    api.database.run("update builds set started_at = date_trunc('month', now() at time zone 'UTC') at time zone 'UTC'")
    api.database.run("update builds set ended_at = started_at + interval '90 s'")
    last = "started_at - interval '1 day'"
    api.database.run(f"update builds set started_at = {last}, ended_at = {last} where name = 'build-2'")  # noqa: S608
    this, before, oldest = api.get("/v1/apps/shop/usage")["items"]

    assert (this["builds"], this["build_minutes"], this["releases"]) == (2, 3.0, 1)
    assert (before["builds"], before["build_minutes"], before["releases"]) == (1, 0.0, 0)
    assert (oldest["builds"], oldest["releases"]) == (0, 0)
    assert this["month"] > before["month"] > oldest["month"]
    assert {one["builds"] for one in api.get("/v1/apps/other/usage")["items"]} == {0}
    assert len(api.get("/v1/apps/shop/usage?months=24")["items"]) == 24


def test_a_wrong_number_of_months_is_named(api: ApiWorld) -> None:
    api.app()
    for months in ("0", "25", "-1", "x", "1.5"):
        answer = api.call("GET", f"/v1/apps/shop/usage?months={months}")
        assert (answer.status, "months" in answer.body["error"]) == (400, True)
