"""The platform stops and comes back: apps are live again, and pushes are not lost."""

import time

from functions.local.platform.processes import processes
from tests.local.pipeline.developer import begin
from tests.local.pipeline.stage import Stage
from tests.local.waiting import until
from tests.patience import patient


def test_after_a_restart_apps_and_previews_are_live_without_a_push(stage: Stage) -> None:
    dev = begin(stage, "lasting")
    sha = dev.deploy()
    dev.push("HEAD:refs/heads/side")
    until(lambda: stage.get("side--lasting")[1].startswith(sha), seconds=40, why="the preview")

    mark = stage.platform.instance.mark
    stage.stop()
    assert processes(mark) == ()
    stage.start()

    for host in ("lasting", "side--lasting"):
        until(lambda host=host: stage.get(host)[1].split()[:2] == [sha, "1"], seconds=60, why=host)  # type: ignore[misc]
    newer = dev.deploy()
    assert dev.answer().split()[:2] == [newer, "2"]


def test_a_push_made_while_the_gateway_was_down_is_found(stage: Stage) -> None:
    dev = begin(stage, "patient")
    dev.deploy()
    supervisor = stage.platform.supervisor
    supervisor.call("stopProcess", "verify-webhook")
    try:
        sha = dev.commit()
        begun = time.monotonic()
        output = dev.push()
        waited = time.monotonic() - begun
    finally:
        supervisor.call("startProcess", "verify-webhook")

    assert "main is stored, but the gateway" in output
    assert waited < patient(20)  # the user does not wait for the time limit of each attempt
    stage.live(sha, "patient")
    assert dev.answer().split()[0] == sha
