"""Config and rollback: releases without a build."""

import time

from tests.local.pipeline.developer import Developer, begin
from tests.local.pipeline.stage import Stage
from tests.local.waiting import until
from tests.patience import patient


def builds(dev: Developer) -> int:
    """Return how many builds the app ever had."""
    ((count,),) = dev.stage.rows("select count(*) from platform.builds where app = :app", app=dev.app)
    return int(count)


def encrypted(dev: Developer, value: str) -> bool:
    """Return whether the database has config, and nowhere this value."""
    sql = """
    select config::text as text from releases where app = :app
    union all select value from config_vars where app = :app
    union all select workload::text from platform.versions where app = :app
    union all select wanted::text from platform.workloads where app = :app
    """
    texts = [text for (text,) in dev.stage.rows(sql, app=dev.app)]
    return any("sealed:v1:" in text for text in texts) and not any(value in text for text in texts)


def serves(dev: Developer, *words: str) -> None:
    """Wait until the release that `words` names is live, and production answers with them."""
    sql = "select 1 from releases where app = :app and number = :number and state = 'live'"
    until(lambda: dev.stage.rows(sql, app=dev.app, number=int(words[1])), why=f"release {words[1]}")
    assert dev.answer().split() == list(words)


def test_config_and_rollback_make_releases_without_a_build(stage: Stage) -> None:
    dev = begin(stage, "settled")
    sha = dev.deploy()

    assert "live: release v2 of settled/production" in dev.paas("config", "set", "GREETING=hello")
    assert dev.answer().split() == [sha, "2", "hello"]
    assert encrypted(dev, "hello")
    second = dev.deploy({"more": "of it"})
    assert dev.answer().split() == [second, "3", "hello"]
    built, begun = builds(dev), time.monotonic()
    dev.paas("rollback", "1")
    serves(dev, sha, "4", "hello")
    assert (time.monotonic() - begun < patient(10), builds(dev)) == (True, built)
    third = dev.deploy({"more": "of that"})
    assert dev.answer().split()[:2] == [third, "5"]
    kinds = [release["kind"] for release in reversed(dev.paas_json("releases"))]
    assert kinds == ["push", "config", "push", "rollback", "push"]


def test_a_config_that_breaks_the_app_fails_the_command_with_the_reason(stage: Stage) -> None:
    dev = begin(stage, "misled")
    sha = dev.deploy()

    said = dev.paas("config", "set", "PYTHONHOME=/nowhere", code=1)

    assert "release v2 of misled/production failed: start: Python does not find its own library" in said
    assert dev.answer().split()[:2] == [sha, "1"]
