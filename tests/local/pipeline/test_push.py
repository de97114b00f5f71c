"""git push: what is built, ignored and deployed."""

from tests.local.pipeline.developer import Developer, begin
from tests.local.pipeline.stage import Stage
from tests.local.waiting import until


def note(dev: Developer, sha: str) -> str:
    """Return the commit's statuses, as one gets them with git."""
    dev.git("fetch", "--quiet", "paas", "+refs/notes/slipway:refs/notes/slipway")
    return dev.git("log", "-1", "--notes=slipway", "--format=%N", sha)


def test_a_push_goes_live_as_release_1_with_status_and_explanation(stage: Stage) -> None:
    dev = begin(stage, "first")
    sha = dev.commit()

    output = dev.push()
    stage.live(sha, "first")

    assert "remote: slipway: main accepted" in output
    assert dev.answer().split()[:2] == [sha, "1"]
    (release,) = dev.paas_json("releases")
    assert (release["number"], release["state"], release["sha"]) == (1, "live", sha)
    assert release["digest"].startswith("sha256:")
    until(lambda: "success" in note(dev, sha), why="the commit's status")
    assert "first/production is live at https://first.localhost" in dev.paas("explain", sha)


def test_a_push_with_skip_ci_is_ignored_and_the_next_one_includes_it(stage: Stage) -> None:
    dev = begin(stage, "skipping")
    skipped = dev.commit(message="notes only [skip ci]")
    dev.push()

    assert stage.ended(skipped, "skipping")["state"] == "ignored"
    assert "[skip ci]" in dev.paas("explain", skipped)

    sha = dev.deploy()
    assert dev.answer().split()[:2] == [sha, "1"]


def test_of_two_apps_in_one_repository_only_the_changed_one_builds(stage: Stage) -> None:
    one = begin(stage, "mono-one", "--path", "one/**")
    url = one.paas_json("apps", "show", "mono-one")["git_url"]
    one.paas("apps", "create", "mono-two", "--git-url", url, "--path", "two/**")
    first = one.commit({"one/a": "1", "two/a": "1"})
    one.push()
    assert [stage.live(first, app)["app"] for app in ("mono-one", "mono-two")] == ["mono-one", "mono-two"]

    second = one.commit({"one/a": "1", "two/a": "2"})
    one.push()

    stage.live(second, "mono-two")
    untouched = stage.ended(second, "mono-one")
    assert (untouched["state"], untouched["code"]) == ("ignored", "paths")
    assert stage.rows("select app from builds where sha = :sha", sha=second) == [["mono-two"]]
    assert stage.get("mono-one")[1].split()[0] == first
    assert stage.get("mono-two")[1].split()[0] == second


def test_an_app_created_again_deploys_the_same_commit(stage: Stage) -> None:
    dev = begin(stage, "phoenix")
    sha = dev.deploy()
    dev.paas("apps", "delete", "phoenix", "--yes")
    until(lambda: stage.get("phoenix")[0] != 200, why="the end of the deleted app")

    dev.paas("apps", "create", "phoenix")
    assert dev.paas_json("releases") == []
    dev.push()

    until(lambda: stage.get("phoenix")[1].startswith(sha), seconds=40, why="the app made again")
    # The numbers continue, so that a late event of the deleted app is recognised by its number.
    assert [release["number"] for release in dev.paas_json("releases")] == [2]
