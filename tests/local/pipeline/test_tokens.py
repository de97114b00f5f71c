"""21 at rest, on one machine: the administrator's token is in no configuration of git, and in no file but its own."""

from pathlib import Path

from tests.local.pipeline.developer import begin
from tests.local.pipeline.stage import Stage
from tests.local.waiting import until

# The platform's own state, and where `paas` of the same person finds the platform.
OWN = {"instance.json", "endpoints.json"}


def holders(folder: Path, secret: str, pattern: str = "*") -> set[str]:
    """Return the files below a folder that hold the secret, by name; files that end meanwhile hold none."""
    found = set()
    for path in folder.rglob(pattern):
        try:
            if path.is_file() and secret.encode() in path.read_bytes():
                found.add(path.name if path.name in OWN else str(path.relative_to(folder)))
        except OSError:
            continue
    return found


def test_invariant_21_the_administrators_token_is_in_no_git_configuration_and_no_other_file(stage: Stage) -> None:
    """Of a clone that `paas` made a remote for, of the server's repository, of a build, an image and an app."""
    token = stage.at.token
    developer = begin(stage, "tokens")
    sha = developer.commit()
    developer.push()
    while_it_builds = set[str]()

    def is_live() -> bool:
        while_it_builds.update(holders(stage.home, token, "config"))  # of checkouts, and of bare repositories
        steps = stage.rows("select state from pushes where sha = :sha and app = 'tokens'", sha=sha)
        return steps == [["live"]]

    until(is_live, seconds=60, why="the push is live")
    assert while_it_builds == set()
    assert any(stage.home.rglob("*.git/config"))
    assert token not in developer.git("remote", "--verbose")
    assert token not in developer.git("config", "--list", "--show-origin")
    assert token not in (developer.clone / ".git" / "config").read_text()
    assert holders(stage.folder, token) == OWN
