"""`git push` prints the build and the release, and ends when they end."""

from tests.local.pipeline.developer import begin
from tests.local.pipeline.stage import Stage


def remote_lines(output: str) -> list[str]:
    """Return what git printed of the server's lines."""
    return [line.removeprefix("remote:").strip() for line in output.splitlines() if line.startswith("remote:")]


def test_a_push_prints_the_build_until_it_is_live(stage: Stage) -> None:
    dev = begin(stage, "shown")
    sha = dev.commit({"Procfile": "web: python app.py\nworker: exec sleep 1000\n"})

    lines = remote_lines(dev.push(waits=True))

    assert dev.answer().split()[0] == sha  # it is live when git ends
    log = [line for line in lines if line.startswith("----->")]
    assert log[0] == f"-----> Fetching commit {sha[:12]} of main"
    assert lines.index(log[-1]) < lines.index("slipway: release v1 starts")
    assert lines[-2:] == [
        f"slipway: live at https://shown.localhost:{stage.at.apps_port}/",
        "slipway: worker is not started: paas scale worker=1 --app shown",
    ]
    assert "worker is not started: paas scale worker=1 --app shown" in dev.paas("explain", sha)
    assert any(line.startswith("slipway: building, log: paas logs --build ") for line in lines)


def test_a_push_whose_build_fails_prints_why_and_is_stored_all_the_same(stage: Stage) -> None:
    dev = begin(stage, "unbuildable")
    sha = dev.commit({"requirements.txt": "no such requirement ==\n"})

    lines = remote_lines(dev.push(waits=True))

    assert lines[-1].startswith("slipway: unbuildable/production failed at ")
    assert lines[-1].endswith("; the commits are stored, and what ran before runs on")
    assert stage.ended(sha, "unbuildable")["state"] == "failed"
    assert dev.git("ls-remote", "paas", "refs/heads/main").split()[0] == sha


def test_a_push_that_is_ignored_prints_the_reason(stage: Stage) -> None:
    dev = begin(stage, "quiet")
    dev.commit(message="notes [skip ci]")

    assert "slipway: quiet/production ignored: " in "\n".join(remote_lines(dev.push(waits=True)))


def test_of_a_shared_repository_a_user_sees_the_app_of_the_repository_alone(stage: Stage) -> None:
    one = begin(stage, "ours")
    url = one.paas_json("apps", "show", "ours")["git_url"]
    one.paas("apps", "create", "theirs", "--git-url", url)
    one.commit()

    everything = "\n".join(remote_lines(one.push(waits=True)))  # the platform's own token sees both

    assert f"live at https://ours.localhost:{stage.at.apps_port}/" in everything
    assert f"live at https://theirs.localhost:{stage.at.apps_port}/" in everything


def test_paas_push_follows_to_the_end_and_exits_by_it(stage: Stage) -> None:
    dev = begin(stage, "pushed")
    sha = dev.commit({"Procfile": "web: python app.py\nworker: exec sleep 1000\n"})

    live = dev.paas("push")
    again = dev.paas("push")
    dev.commit({"requirements.txt": "no such requirement ==\n"})
    failed = dev.paas("push", code=1)
    dev.git("checkout", "--quiet", "--detach")
    detached = dev.paas("push", code=2)

    assert dev.answer().split()[0] == sha
    assert "worker is not started: paas scale worker=1 --app pushed" in live
    assert f"pushed/production is live at https://pushed.localhost:{stage.at.apps_port}/" in live
    assert f"-----> Fetching commit {sha[:12]} of main" in live
    assert "remote: ----->" not in live  # the server does not follow it too
    assert f"main was at {sha[:12]} already: this is its last push" in again
    assert "pushed/production is failed: " in failed
    assert "HEAD is on no branch" in detached


def test_an_app_and_a_push_option_choose_that_git_push_does_not_wait(stage: Stage) -> None:
    dev = begin(stage, "hushed")
    dev.paas("git", "--push-follow", "off")
    sha = dev.commit()
    off = remote_lines(dev.push(waits=True))
    dev.paas("git", "--push-follow", "on")
    other = dev.git("push", "--push-option=no-follow", "paas", "HEAD:refs/heads/other")

    for lines in (off, remote_lines(other)):
        assert lines[-1] == f"slipway: follow it with   paas explain {sha[:12]}"
    assert dev.paas_json("apps", "show", "hushed")["push_follow"] is True
