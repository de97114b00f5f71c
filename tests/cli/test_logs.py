"""paas logs: no line is missing or repeated, across broken connections too."""

import json
import threading
import time

from tests.cli.conftest import Platform
from tests.fakes.breaking_proxy import breaking_proxy

LINES = [f"line {number} of the build" for number in range(40)]


def write_slowly(platform: Platform, name: str) -> None:
    (platform.home / "builds").mkdir(exist_ok=True)
    with (platform.home / "builds" / f"{name}.log").open("a", buffering=1) as log:
        for line in LINES:
            log.write(f"{line}\n")
            time.sleep(0.05)
        log.write("=====> succeeded\n")


def test_tail_continues_across_broken_connections_and_ends(platform: Platform) -> None:
    platform.story.build("log-build", app="logs", state="running")
    writer = threading.Thread(target=write_slowly, args=(platform, "log-build"))
    with breaking_proxy(platform.url) as proxy:
        writer.start()
        result = platform.paas("logs", "--build", "log-build", "--tail", server=proxy.url)
        writer.join()

    assert result.exit_code == 0, result.output
    assert proxy.broken > 0
    shown = [line.removeprefix("build[log-build]: ") for line in result.stdout.splitlines()]
    assert shown == [*LINES, "=====> succeeded"]
    assert result.stderr == "=====> end of the log: the build has ended\n"


def test_builds_and_processes_are_shown_together(platform: Platform) -> None:
    platform.json("apps", "create", "logged")
    platform.story.build("logged-build", app="logged")
    folder = platform.home / "logs" / "apps" / "logged" / "production"
    folder.mkdir(parents=True)
    (folder / "1-web.log").write_text("listening\x1b[2J \x9b2J \u202edesrever\n", "utf-8")
    (platform.home / "builds").mkdir(exist_ok=True)
    (platform.home / "builds" / "logged-build.log").write_text("-----> Detecting\n       Python\n=====> succeeded\n")

    result = platform.paas("logs", "--app", "logged")
    lines = platform.paas("logs", "logged", "--json").stdout.splitlines()

    assert result.stdout.splitlines() == [
        "build[logged-build]: -----> Detecting",
        "build[logged-build]:        Python",
        "build[logged-build]: =====> succeeded",
        "web.v1: listening [2J  2J  desrever",
    ]
    assert [json.loads(line)["source"] for line in lines] == ["build[logged-build]"] * 3 + ["web.v1"]
