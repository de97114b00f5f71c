"""Failed pushes leave the running version serving without a lost request."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from functions.local.demo.traffic import Probe, probing
from tests.local.pipeline.developer import Developer, begin
from tests.local.pipeline.stage import Stage
from tests.local.waiting import until
from tests.patience import patient


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """An app that is live at `sha` and probed ten times a second."""

    developer: Developer
    sha: str
    probe: Probe

    def expect_failure(self, files: dict[str, str], *, step: str, reason: str, log_tail: str = "") -> None:
        """Push this, and see it fail at the step, explained, while the old version serves every request."""
        dev, begun = self.developer, len(self.probe.answers)
        sha = dev.commit(files)
        dev.push()
        found = dev.stage.ended(sha, dev.app)
        shown = dev.paas("explain", sha)

        assert (found["state"], found["step"].startswith(step)) == ("failed", True), found
        assert reason in shown, shown
        assert log_tail in shown.partition("the log ends with:")[2]
        # A failure takes less time than six requests where nothing else runs.
        until(lambda: len(self.probe.answers) - begun > 5, why="six requests since the push")
        answers = self.probe.answers[begun:]
        assert [answer for answer in answers if answer.failed] == []
        assert dev.answer().split()[0] == self.sha


@pytest.fixture(scope="module")
def steady(stage: Stage) -> Iterator[Steady]:
    developer = begin(stage, "steady")
    sha = developer.deploy()
    with probing(host="steady.localhost", port=stage.at.apps_port, ca=Path(stage.at.ca), rate=10) as probe:
        yield Steady(developer=developer, sha=sha, probe=probe)


def test_a_build_without_a_web_process_changes_nothing(steady: Steady) -> None:
    steady.expect_failure(
        {"Procfile": "worker: true\n"}, step="processes", reason="no `web` line", log_tail="web: python app.py"
    )


def test_a_build_with_broken_requirements_changes_nothing(steady: Steady) -> None:
    files = {"requirements.txt": "./nowhere\n"}
    steady.expect_failure(files, step="dependencies", reason="exit code", log_tail="nowhere")


def test_a_release_command_that_fails_changes_nothing(steady: Steady) -> None:
    procfile = "release: echo the table is locked; exit 3\nweb: python app.py\n"
    steady.expect_failure(
        {"Procfile": procfile}, step="release command", reason="exit code 3", log_tail="the table is locked"
    )


def test_a_web_process_that_never_answers_changes_nothing(steady: Steady) -> None:
    steady.expect_failure(
        {"MODE": "deaf"}, step="health check", reason=f"for {patient(5):g} seconds", log_tail="thinking, not listening"
    )


def test_a_web_process_that_ends_at_once_changes_nothing(steady: Steady) -> None:
    files = {"Procfile": "web: echo no database; exit 4\n"}
    steady.expect_failure(files, step="start", reason="exit code 4", log_tail="no database")


def test_a_web_process_that_crashes_on_its_first_requests_changes_nothing(steady: Steady) -> None:
    steady.expect_failure({"MODE": "crash"}, step="canary", reason="web process ended", log_tail="something broke")


def test_a_web_process_that_answers_with_errors_changes_nothing(steady: Steady) -> None:
    at = steady.developer.stage.at
    with probing(
        host="steady.localhost", port=at.apps_port, ca=Path(at.ca), rate=60
    ) as many:  # enough for the count of errors
        steady.expect_failure({"MODE": "errors"}, step="canary", reason="canary at", log_tail="answered /")
    assert [answer for answer in many.answers if answer.failed] == []
