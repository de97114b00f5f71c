"""Logs: of the build while it runs, of the app, and never with a secret."""

import json

from tests.local.pipeline.developer import begin
from tests.local.pipeline.stage import Stage
from tests.local.pipeline.test_newer import slow_build
from tests.local.waiting import until
from tests.patience import patient

_SERVER = """
console.log("the server says it listens")
require("node:http").createServer((_, answer) => answer.end(require("tiny"))).listen(process.env.PORT)
"""


def test_the_log_of_a_build_can_be_read_while_it_runs_and_the_apps_log_afterwards(stage: Stage) -> None:
    dev = begin(stage, "wordy")
    package = json.loads(slow_build(patient(8))["package.json"])
    package |= {"dependencies": {"tiny": "file:./vendored"}, "scripts": {**package["scripts"], "start": "node s.js"}}
    files = {"package.json": json.dumps(package), "s.js": _SERVER, "vendored/index.js": "module.exports = 'tiny'"}
    dev.commit({**files, "vendored/package.json": '{"name": "tiny", "version": "1.0.0"}'})
    for name in ("requirements.txt", "Procfile", "app.py"):
        (dev.clone / name).unlink()
    sha = dev.commit_tree()
    dev.push()

    until(lambda: " half of it\n" in dev.paas("logs"), every=0.5, why="the build's log")
    assert not stage.rows("select 1 from builds where app = 'wordy' and ended_at is not null")
    stage.live(sha, "wordy")

    assert stage.get("wordy")[1] == "tiny"
    log = dev.paas("logs")
    assert log.rindex("half of it\n") < log.rindex("all of it\n") < log.rindex("the server says it listens")


def test_a_secret_of_the_config_is_in_no_log_event_or_answer(stage: Stage) -> None:
    secret = "hunter2-correct-horse-battery"
    dev = begin(stage, "discreet")
    assert secret not in dev.paas("config", "set", f"PASSWORD={secret}")
    sha = dev.deploy()
    dev.paas("config", "set", "GREETING=x")
    until(lambda: dev.answer().split()[2] == "x", why="the config's release")

    files = [path for folder in ("logs", "builds", "nats") for path in (stage.home / folder).rglob("*")]
    assert [path for path in files if path.is_file() and secret.encode() in path.read_bytes()] == []
    for table in ("events", "webhook_deliveries", "audit_log", "dead_letters", "pushes"):
        assert stage.rows(f"select 1 from {table} t where t::text like :it", it=f"%{secret}%") == []  # noqa: S608
    asked = ["", "/config", "/releases", "/logs", "/builds", "/environments"]
    answers = [stage.api(f"/apps/discreet{path}") for path in asked] + [stage.api(f"/pushes/{sha}")]
    assert [answer.status_code for answer in answers] == [200] * len(answers)
    assert [str(answer.url) for answer in answers if secret in answer.text] == []
    shown = [["config"], ["releases"], ["logs"], ["explain", sha], ["apps", "show"]]
    assert [words for words in shown if secret in dev.paas(*words)] == []
