"""The newer push wins."""

import json

from functions.local.builds.job import is_group_gone
from tests.local.pipeline.developer import Developer, begin
from tests.local.pipeline.stage import Stage
from tests.local.waiting import until


def slow_build(seconds: float) -> dict[str, str]:
    """Return the files of an app whose build script takes a while."""
    scripts = {"build": f"echo half of it && sleep {seconds:g} && echo all of it"}
    return {"package.json": json.dumps({"name": "slow", "private": True, "scripts": scripts}), "requirements.txt": ""}


def commit_slow(dev: Developer, seconds: float = 60) -> str:
    """Commit an app with a slow build."""
    dev.commit(slow_build(seconds))
    (dev.clone / "requirements.txt").unlink()  # so that it counts as Node
    return dev.commit_tree("slow")


def test_a_newer_push_ends_the_build_of_an_older_one(stage: Stage) -> None:
    dev = begin(stage, "hasty")
    slow = commit_slow(dev)
    dev.push()
    look = "select process from platform.builds where sha = :sha and process > 0"
    ((group,),) = until(lambda: stage.rows(look, sha=slow), why="the slow build's process")
    assert not is_group_gone(group)

    newer = dev.deploy()

    older = stage.ended(slow, "hasty")
    assert older["state"] == "superseded"
    assert "superseded" in dev.paas("explain", slow)
    assert is_group_gone(group)
    assert dev.answer().split()[:2] == [newer, "1"]


def test_a_deleted_app_ends_its_build_and_leaves_no_dead_letter(stage: Stage) -> None:
    dev = begin(stage, "dropped")
    slow = commit_slow(dev)
    dev.push()
    look = "select process from platform.builds where sha = :sha and process > 0"
    ((group,),) = until(lambda: stage.rows(look, sha=slow), why="the slow build's process")

    dev.paas("apps", "delete", "dropped", "--yes")

    until(lambda: is_group_gone(group), why="the end of the build")
    look = "select state from platform.builds where sha = :sha and reported_at is not null"
    assert until(lambda: stage.rows(look, sha=slow), why="the report of its end") == [["cancelled"]]
    begin(stage, "after").deploy()  # the end of its build is reported after that one, and is handled
    assert stage.rows("select * from dead_letters where app = 'dropped'") == []


def test_ten_rapid_pushes_end_with_the_last_one_live(stage: Stage) -> None:
    dev = begin(stage, "rapid")
    shas = []
    for n in range(10):
        shas.append(dev.commit({"number": str(n)}))
        dev.push()

    stage.live(shas[-1], "rapid", seconds=60)

    ends = [stage.ended(sha, "rapid")["state"] for sha in shas]
    assert set(ends) <= {"live", "superseded"}
    assert dev.answer().split()[0] == shas[-1]
    order = stage.rows("select sha from releases where app = 'rapid' order by number")
    places = [shas.index(sha) for (sha,) in order]
    assert places == sorted(places)
