"""Config, domains, releases, events, dead letters: what is printed, and the exit codes."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from functions.common.events.build import BuildFailed, BuildRequested
from functions.common.events.push import PushReceived, Repository
from functions.common.events.release import ReleaseLive
from functions.common.ports.accounts import Scope
from tests.cli.conftest import Platform
from tests.local.repositories import GIT
from tests.local.waiting import until
from tests.story import KEY

COLONS = ["apps:list", "config:list", "domains:list", "events:list", "dead-letters:list"]


def test_config_is_set_got_and_unset(platform: Platform) -> None:
    platform.json("apps", "create", "conf")
    said = platform.paas("config", "set", "A=one=1", "B=two", "--app", "conf")
    assert (said.exit_code, "changed A, B" in said.stdout, "one=1" in said.stdout) == (0, True, False)

    assert platform.paas("config", "list", "--app", "conf").stdout.split() == [
        "KEY",
        "VALUE",
        "A",
        "*" * 8,
        "B",
        "*" * 8,
    ]
    assert platform.paas("config", "get", "A", "--app", "conf").stdout == "one=1\n"
    assert platform.json("config:unset", "A", "--app", "conf")["changed"] == ["A"]
    assert platform.paas("config", "get", "A", "--app", "conf").exit_code == 3
    forgotten = platform.paas("config", "set", "hush", "--app", "conf")
    assert (forgotten.exit_code, "hush" in forgotten.output) == (2, False)


def test_config_and_rollback_say_what_the_live_release_runs_with(platform: Platform) -> None:
    platform.json("apps", "create", "past")
    for number, state in ((1, "retired"), (2, "live")):
        platform.story.release(number, state=state, app="past", config='{"A": "one", "GONE": "x"}')
    platform.paas("config", "set", "A=one", "B=two", "--app", "past", "--no-wait")

    listed = platform.paas("config", "list", "--app", "past")
    same, other = (platform.paas("config", "get", key, "--app", "past") for key in "AB")
    gone = platform.paas("config", "get", "GONE", "--app", "past")
    back = platform.paas("rollback", "1", "--app", "past")

    has = "release v2, which is live in production, runs with other values of"
    assert f"{has} B, GONE: see `paas releases`" in listed.stderr
    assert (same.stdout, same.stderr, other.stdout) == ("one\n", "", "two\n")
    assert (f"{has} B" in other.stderr, f"{has} GONE" in gone.stderr, gone.exit_code) == (True, True, 3)
    assert "rolling back past/production to v1, with the config of now" in back.stdout
    assert "v1 had other values of B, GONE: `paas rollback 1 --config KEY`" in back.stderr


def test_a_config_change_is_followed_to_the_end_of_its_release(platform: Platform) -> None:
    platform.json("apps", "create", "waits")
    assert platform.paas("config", "set", "A=0", "--app", "waits").stdout == "changed A of waits (production)\n"
    platform.story.release(1, state="live", app="waits")
    for number, state in ((2, "live"), (3, "failed")):
        with ThreadPoolExecutor() as pool:
            setting = pool.submit(platform.paas, "config", "set", f"A={number}", "--app", "waits")
            until(lambda: changes_of_config(platform) == number, why="the change")  # noqa: B023 - in its turn
            platform.story.release(number, state=state, app="waits")
            said = setting.result()
        if state == "live":
            assert (said.exit_code, said.stdout.splitlines()[-1]) == (0, "live: release v2 of waits/production")
        else:
            assert (said.exit_code, "release v3 of waits/production failed" in said.stderr) == (1, True), said.output
            assert "what ran before still runs" in said.stderr

    left = platform.json("config", "unset", "A", "--app", "waits", "--no-wait")
    assert (left["changed"], left["live"]) == (["A"], [])


def changes_of_config(platform: Platform) -> int:
    """Return how often the config was changed; the command itself runs in a thread, and one at a time can."""
    sql = "select count(*) from events where app = 'waits' and type like '%config.changed%'"
    return int(platform.database.run(sql)[0][0])


def test_domains(platform: Platform) -> None:
    platform.json("apps", "create", "named")

    assert platform.paas("domains", "add", "www.named.example", "--app", "named").exit_code == 0
    hosts = [item["host"] for item in platform.json("domains", "list", "--app", "named")]
    assert hosts == ["named.localhost", "www.named.example"]
    assert platform.paas("domains", "remove", "www.named.example", "--app", "named").exit_code == 0
    assert platform.paas("domains", "remove", "www.named.example", "--app", "named").exit_code == 3


def test_releases_and_rollback(platform: Platform) -> None:
    platform.json("apps", "create", "rel")
    for number, state in ((1, "retired"), (2, "live")):
        platform.story.release(number, state=state, app="rel")

    listed = platform.paas("releases", "--app", "rel")
    assert [line.split()[:3] for line in listed.stdout.splitlines()[1:]] == [
        ["v2", "live", "push"],
        ["v1", "retired", "push"],
    ]
    assert platform.json("rollback", "--app", "rel")["to"] == 1
    assert platform.json("rollback", "1", "--app", "rel")["event"] == platform.broker.events[-1]["id"]
    assert platform.paas("rollback", "9", "--app", "rel").exit_code == 3
    assert [row["process"] for row in platform.json("ps", "--app", "rel")] == ["web"]
    assert [one["name"] for one in platform.json("previews", "--app", "rel")] == ["production"]


def test_an_app_is_in_a_folder_of_its_repository(platform: Platform) -> None:
    made = platform.json("apps", "create", "mono", "--git-url", "https://git.example.org/a/mono", "--root", "./web/")
    assert made["root"] == "web"
    changed = platform.paas("git", "--root", "services/api", "--app", "mono")
    assert "folder services/api, feeds production" in changed.stdout
    assert "services/api" in platform.paas("apps", "show", "mono").stdout
    assert platform.json("git", "--root", ".", "--app", "mono")["root"] == ""
    refused = platform.paas("apps", "create", "other", "--root", "../x")
    assert refused.exit_code != 0
    assert "root: give a folder of the repository" in refused.stderr


def test_events_and_dead_letters(platform: Platform) -> None:
    about: dict[str, Any] = {"app": "evt", "environment": "production", "push": "push-evt"}
    event = platform.story.event(BuildRequested(**about, repository=KEY, clone_url="", ref="r", sha="s", sequence=1))
    number = str(platform.story.dead_letter(event))

    newer = platform.story.event(BuildRequested(**event.data), cause="push-evt-2")
    assert [one["id"] for one in platform.json("events", "list", "--app", "evt")] == [event.id, newer.id]
    assert [one["id"] for one in platform.json("events", "list", "--app", "evt", "--limit", "1")] == [newer.id]
    assert platform.json("events", "show", event.id)["type"] == event.type
    dry = platform.paas("events", "replay", event.id, "--dry-run")
    assert "start-build" in dry.stdout
    assert platform.json("events", "replay", event.id)["replayed"] is True
    assert number in platform.paas("dead-letters", "list").stdout
    assert "no such thing" in platform.paas("dead-letters", "show", number).stdout
    assert platform.json("dead-letters", "redrive", number)["state"] == "redriven"
    assert platform.paas("dead-letters", "discard", number).exit_code == 1


@pytest.mark.parametrize(("state", "code"), [("live", 0), ("failed", 1), ("ignored", 1)])
def test_explain_shows_the_steps_and_waits_for_the_final_state(platform: Platform, state: str, code: int) -> None:
    sha = {"live": "c", "failed": "d", "ignored": "e"}[state] * 40
    about: dict[str, Any] = {"app": "exp", "environment": "production", "push": f"push-{state}"}
    platform.story.delivery(f"d-{state}", event_id=f"push-{state}", sha=sha)
    platform.story.push(
        f"push-{state}", app="exp", state=state, sha=sha, reason="" if state == "live" else "no Procfile"
    )
    if state == "failed":
        failed = BuildFailed(
            **about, repository=KEY, build="b", sha=sha, step="detect", reason="no Procfile", log_tail="x"
        )
        platform.story.event(failed)

    said = platform.paas("explain", sha[:10], "--wait")

    assert said.exit_code == code
    assert f"exp/production is {state}" in said.stdout
    assert ("no Procfile" in said.stdout) is (state != "live")
    assert platform.paas("explain", sha).exit_code == 0
    assert platform.json("explain", sha)["state"] == state


@pytest.mark.parametrize("push", ["f" * 40, "f" * 7, "0f3e2a52-3c5e-5c35-9f6e-1d0d5a2f0009"])
def test_explain_says_what_it_waits_for_and_ends_when_it_does_not_arrive(platform: Platform, push: str) -> None:
    said = platform.paas("explain", push, "--wait", "--timeout", "0.1")

    what = f"push {push}" if "-" in push else f"commit {push[:12]}"
    assert said.exit_code == 3
    assert f"no push of {what} is known yet; waiting until " in said.stderr
    assert f"Error: no push of {what} is known yet, after 0.1 s: check that it was pushed" in said.stderr


def test_explain_waits_while_only_a_deleted_app_had_the_commit(platform: Platform) -> None:
    sha = "ab" * 20
    fields = {"provider": "forgejo", "delivery": "d-gone", "ref": "refs/heads/main", "branch": "main", "before": ""}
    repository = Repository(full_name="slipway/gone", urls=())
    event = platform.story.event(PushReceived(push="push-gone", repository=repository, after=sha, **fields))  # type: ignore[arg-type] # all strings
    platform.story.delivery("d-gone", event_id="push-gone", sha=sha, event=event.to_json())
    where: dict[str, Any] = {"app": "gone", "environment": "production", "push": "push-gone"}
    platform.story.event(ReleaseLive(**where, release=1, digest="sha256:1", sha=sha, url="https://gone.localhost/"))

    said = platform.paas("explain", sha, "--wait", "--timeout", "0.1")

    assert (said.exit_code, said.stdout) == (3, "")
    assert "is known yet but to an app that was deleted since; waiting until " in said.stderr
    assert platform.json("explain", sha)["state"] == "live"


def test_explain_takes_what_git_knows_here_and_the_newest_push_of_a_branch_or_app(
    platform: Platform, tmp_path: Path
) -> None:
    def git(*arguments: str) -> str:
        return subprocess.run(
            [GIT, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "--quiet", "--initial-branch=trunk")
    git("-c", "user.name=D", "-c", "user.email=d@example.com", "commit", "--quiet", "--allow-empty", "-m", "one")
    git("tag", "v1.0")
    git("branch", "feat/x")
    sha, newest = git("rev-parse", "HEAD"), "9a" * 20
    platform.json("apps", "create", "ref")
    nothing = platform.paas("explain", "--app", "ref")
    platform.story.push("push-ref-1", app="ref", state="live", sha=sha)
    platform.story.push("push-ref-2", app="ref", state="failed", sha=newest, sequence=2, reason="no Procfile")
    platform.database.run("update pushes set ref = 'refs/heads/elsewhere' where id = 'push-ref-2'")

    for name in ("HEAD", "trunk", "feat/x", "v1.0", "refs/heads/trunk", sha[:8], sha):
        said = platform.paas("explain", name, folder=tmp_path)
        assert (said.exit_code, f"push {sha[:12]}" in said.stdout) == (0, True), said.output
    for arguments in ([], ["elsewhere"], ["refs/heads/elsewhere"], [newest[:7]]):
        said = platform.paas("explain", *arguments, "--app", "ref", folder=tmp_path)
        assert (said.exit_code, f"push {newest[:12]}" in said.stdout) == (0, True), said.output
    unknown = platform.paas("explain", "no-such", "--app", "ref", folder=tmp_path)
    assert (nothing.exit_code, unknown.exit_code) == (3, 3)
    assert "ref has no pushes yet" in nothing.stderr
    assert "ref has no push of a branch 'no-such', and git knows no commit of this name here" in unknown.stderr


def test_builds_are_listed_and_cancelled(platform: Platform) -> None:
    platform.json("apps", "create", "bld")
    nothing = platform.paas("builds", "cancel", "bld")
    for name in ("bld-1", "bld-2"):
        platform.story.build(name, app="bld", state="running", push=f"push-{name}")
        platform.story.push(f"push-{name}", app="bld", state="building", sha="bd" * 20)
    both = platform.paas("builds", "cancel", "bld")
    cancelled = platform.paas("builds", "cancel", "--build", "bld-1", "--no-wait")
    ended = "update pushes set state = 'failed', reason = 'admin cancelled its build', ended_at = now()"
    platform.database.run(f"{ended} where id = 'push-bld-2'")
    waited = platform.paas("builds", "cancel", "--build", "bld-2")

    assert (nothing.exit_code, both.exit_code) == (3, 2)
    assert "no build of bld waits or runs" in nothing.stderr
    assert "2 builds of bld wait or run: choose one by --build: bld-2, bld-1" in both.stderr
    assert cancelled.stdout == "cancelling the build bld-1 of bld/production\n"
    assert "bld/production is failed: admin cancelled its build; what ran before runs on" in waited.stdout
    assert "being cancelled by admin" in platform.paas("builds", "list", "bld").stdout
    assert [one["name"] for one in platform.json("builds", "list", "--app", "bld")] == ["bld-2", "bld-1"]
    assert platform.paas("builds", "cancel", "--build", "bld-1").exit_code == 1
    assert platform.paas("builds", "logs", "bld").exit_code == 0


def test_the_disk_is_shown_by_kind_and_by_app(platform: Platform) -> None:
    platform.json("apps", "create", "dsk")
    folder = platform.home / "cache" / "builds" / "dsk" / "production"
    folder.mkdir(parents=True)
    (folder / "x").write_bytes(b"x" * 3 * 1024 * 1024)

    everything, one = platform.paas("usage", "--disk"), platform.paas("usage", "--disk", "--app", "dsk")

    assert everything.stdout.splitlines()[0].split() == ["KIND", "SIZE"]
    assert "dsk" in everything.stdout
    assert ("3.0 MiB" in one.stdout, "are free" in one.stderr) == (True, True)
    assert {item["app"] for item in platform.json("usage", "--disk", "--app", "dsk")["items"]} == {"dsk"}
    assert platform.paas("usage", "--disk", scope=Scope.DEPLOY).exit_code == 4


@pytest.mark.parametrize("command", COLONS)
def test_every_group_accepts_colons(platform: Platform, command: str) -> None:
    platform.paas("apps", "create", "colons")
    named = ["--app", "colons"] if command.startswith(("config", "domains")) else []

    assert platform.paas(command, *named).exit_code == 0


def test_failures_say_what_to_do(platform: Platform) -> None:
    codes = {
        ("apps", "create", "Not_A_Name"): 2,
        ("apps", "show", "nobody"): 3,
        ("apps:nonsense",): 2,
        ("config", "list"): 2,
        ("apps", "list", "--nonsense"): 2,
    }
    for arguments, code in codes.items():
        result = platform.paas(*arguments)
        assert (result.exit_code, result.stdout, bool(result.stderr)) == (code, "", True), arguments
    assert platform.paas("apps", "create", "viewed", scope=Scope.READ).exit_code == 4
    assert platform.paas("apps", "list", env={"PAAS_SERVER": platform.url, "PAAS_TOKEN": "wrong"}).exit_code == 4
    away = platform.paas("apps", "list", server="http://127.0.0.1:1")
    assert (away.exit_code, "task up" in away.stderr) == (5, True)


def test_channels_of_notifications_come_and_go(platform: Platform) -> None:
    platform.paas("apps", "create", "noted")
    added = platform.paas("notifications", "add", "ops", "https://hooks.example.org/in", "--app", "noted")
    listed = platform.paas("notifications", "list", "--app", "noted")
    both = platform.paas("notifications", "list", "--app", "noted", "--all")
    common = platform.paas("notifications", "add", "chat", "https://c.example.org/k", "--kind", "slack", "--all")

    assert added.stdout.startswith("whsec_")
    assert "paas notifications test ops --app noted" in added.stderr
    assert listed.stdout.splitlines()[1].split() == [
        "ops",
        "webhook",
        "https://hooks.example.org/…",
        "all",
        "in",
        "use",
    ]
    assert (both.exit_code, common.exit_code) == (2, 0)
    assert "test to ops" in platform.paas("notifications", "test", "ops", "--app", "noted").stdout
    assert platform.paas("notifications", "remove", "ops", "--app", "noted").stdout == "removed ops\n"
    assert platform.paas("notifications", "test", "ops", "--app", "noted").exit_code == 3
    assert platform.json("notifications", "list", "--app", "noted") == []


TRICKY = {"A": "it's", "B": 'say "hi"', "C": "back\\slash\\", "D": "two\nlines", "E": "", "F": "$HOME #no", "G": " é "}


def test_config_goes_to_a_dotenv_file_and_back(platform: Platform, tmp_path: Path) -> None:
    platform.json("apps", "create", "dotenv")
    platform.paas("config", "set", *(f"{key}={value}" for key, value in TRICKY.items()), "--app", "dotenv")
    file = tmp_path / "all.env"

    written = platform.paas("config", "export", str(file), "--app", "dotenv")
    printed = platform.paas("config", "export", "--app", "dotenv")
    platform.paas("config", "unset", *TRICKY, "--app", "dotenv")
    read = platform.paas("config", "import", str(file), "--app", "dotenv")

    assert (written.exit_code, read.exit_code, printed.stdout) == (0, 0, file.read_text())
    assert file.stat().st_mode & 0o777 == 0o600
    assert "it's" not in read.output
    assert platform.json("config", "list", "--reveal", "--app", "dotenv")["config"] == TRICKY


@pytest.mark.parametrize(
    ("text", "said"),
    [("A=1\nB\n", "has B without a value"), ("# nothing\n", "no values"), ("1A=b\n", "1A"), ("PORT=1\n", "PORT")],
)
def test_a_dotenv_file_that_cannot_be_is_refused(platform: Platform, text: str, said: str) -> None:
    platform.paas("apps", "create", "envless")
    result = platform.paas("config", "import", "-", "--app", "envless", input=text)

    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr
