"""paas deploy, undeploy, restart, scale, limits, open, completion and project."""

import pytest

from tests.cli.conftest import Platform


@pytest.fixture(scope="module")
def app(platform: Platform) -> str:
    platform.json("apps", "create", "oper")
    for number, state in ((1, "retired"), (2, "live")):
        platform.story.release(number, state=state, app="oper")
    return "oper"


def types(platform: Platform) -> list[str]:
    """Return the types of the last events."""
    return [event["type"].removeprefix("dev.slipway.").removesuffix(".v1") for event in platform.broker.events]


def test_what_runs_is_scaled_restarted_and_stopped(platform: Platform, app: str) -> None:
    scaled = platform.paas("scale", "web=3", "--app", app)
    assert (scaled.exit_code, scaled.stdout) == (0, "oper/production is being scaled to web=3: see `paas ps`\n")
    assert "has already web=3" in platform.paas("scale", "web=3", "--app", app).stdout
    web = {"environment": "production", "release": 2, "status": "pending", "process": "web"}
    assert platform.json("ps", "--app", app) == [{**web, "replicas": 3, "ready": 0, "start": ""}]
    assert "0/3" in platform.paas("ps", "--app", app).stdout
    assert "restarting oper/production" in platform.paas("restart", app).stdout
    assert "is being stopped" in platform.paas("undeploy", app).stdout
    assert types(platform)[-3:] == ["scale.changed", "restart.requested", "undeploy.requested"]


def test_processes_beside_web_wait_for_the_command_that_starts_them(platform: Platform) -> None:
    platform.json("apps", "create", "asked")
    before = platform.paas("scale", "clock=1", "any_Name-2=2", "--app", "asked")
    platform.story.release(1, state="live", app="asked")
    platform.database.run("""update releases set processes = '{"web": "a", "worker": "b", "clock": "c", "release": "d"}'
        where app = 'asked'""")

    shown = platform.paas("ps", "--app", "asked").stdout

    assert (before.exit_code, "clock=1, any_Name-2=2" in before.stdout) == (0, True), before.output
    rows = {line.split()[1]: line.split()[3:] for line in shown.splitlines()[1:4]}
    assert rows == {"web": ["0/1", "pending"], "clock": ["0/1", "pending"], "worker": ["0/0", "not", "started"]}
    assert shown.splitlines()[4:] == ["worker is not started: paas scale worker=1 --app asked"]
    assert platform.paas("scale", "worker=1", "--app", "asked").exit_code == 0
    assert "not started" not in platform.paas("ps", "--app", "asked").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("scale", "web"), 2, "PROCESS=NUMBER"),
        (("scale", "web=-1"), 2, "PROCESS=NUMBER"),
        (("scale", "web=0"), 2, "paas undeploy --app oper"),
        (("scale", "cron=1"), 2, "'cron', only web"),
        (("scale", "release=1"), 2, "it is the release command, which runs once before each release"),
        (("scale", "web=99"), 2, "at most 12"),
        (("limits", "--cpu", "lots"), 2, "cpu: give cores"),
        (("limits", "--port", "http"), 2, "--port 'http'"),
        (("deploy", "--image", "registry.example.net/web:1"), 2, "images of registries cannot run on one machine"),
        (("restart", "--environment", "none"), 3, "paas previews --app oper"),
    ],
)
def test_an_error_names_the_thing_and_the_remedy(
    platform: Platform, app: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    result = platform.paas(*arguments, "--app", app)

    assert (result.exit_code, said in result.stderr) == (code, True), result.stderr


def test_limits_are_shown_set_and_reset(platform: Platform, app: str) -> None:
    assert platform.paas("limits", "--app", app).stdout.split() == [
        "app", "oper", "cpu", "default", "memory", "default", "port", "default",
    ]  # fmt: skip
    changed = platform.paas("limits", "--memory", "256Mi", "--app", app)
    assert ("256Mi" in changed.stdout, "note: memory: " in changed.stderr) == (True, True)
    assert platform.json("limits", "--memory", "default", "--app", app)["memory"] == ""


def test_a_deployment_that_is_not_waited_for_says_how_to_follow_it(platform: Platform, app: str) -> None:
    # The API's git server does not answer here, so that no head is known.
    refused = platform.paas("deploy", "--no-wait", "--app", app)

    assert refused.exit_code == 1
    assert "newest commit" in refused.stderr


def test_open_prints_the_url(platform: Platform, app: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", "true")

    opened = platform.paas("open", app)

    assert opened.stdout == platform.json("apps", "show", app)["url"] + "\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_for_each_shell(platform: Platform, shell: str) -> None:
    assert "_PAAS_COMPLETE" in platform.paas("completion", shell).stdout


def test_a_project_is_created_shown_and_given_a_domain(platform: Platform) -> None:
    made = platform.json("project", "create", "agent")
    again = platform.paas("project", "create", "agent")
    domain = platform.paas("project", "domain", "agent", "www.agent.example")
    status = platform.json("project", "status", "agent")

    assert made["git_clone_http"].endswith("/slipway/agent.git")
    assert (again.exit_code, "taken" in again.stderr) == (1, True)
    assert "www.agent.example CNAME agent.localhost" in domain.stdout
    assert (status["custom_domain"], status["deployment"]["status"]) == ("www.agent.example", "none")
    assert "git HTTPS" in platform.paas("project", "status", "agent").stdout
    assert "agent" in [one["name"] for one in platform.json("project", "list")]
    assert platform.paas("project", "status", "none").exit_code == 3


def test_the_audit_log_shows_counts_and_is_filtered_by_time(platform: Platform) -> None:
    platform.database.run(
        "insert into audit_log (actor, action, target, detail, count, last_at, latest, at) values "
        "('9.8.7.6', 'webhook.refused', 'forgejo', 'unsigned', 7, now(), :latest, now() - interval '10 minutes'), "
        "('1.2.3.4', 'webhook.refused', 'gitlab', 'unsigned', 1, null, '', now() - interval '3 days')",
        latest="d-1\x1b[2J",
    )
    shown = platform.paas("audit", "--action", "webhook", "--since", "24h").output

    assert "unsigned (7 times until " in shown
    assert "(last: d-1 [2J)" in shown
    assert "gitlab" not in shown
    for since in ("5d", "100h", "9000m", "2020-01-31", "2020-01-31T12:00+02:00"):
        assert "gitlab" in platform.paas("audit", "--action", "webhook", "--since", since).output, since
    for odd in ("soon", "7w", "d", "2020-13-01", "999999d"):
        refused = platform.paas("audit", "--since", odd)
        assert (refused.exit_code, f"--since {odd}: give a time" in refused.output) == (2, True), odd
