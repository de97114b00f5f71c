"""paas apps, in and outside a clone."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Platform


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", folder], check=True)
    return folder


def remote(clone: Path) -> str:
    command = ["git", "-C", str(clone), "remote", "get-url", "paas"]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()


def test_creating_an_app_in_a_clone_adds_the_remote_and_makes_it_current(platform: Platform, clone: Path) -> None:
    made = platform.paas("apps", "create", "first", folder=clone)

    assert (made.exit_code, made.stderr) == (0, "")
    assert "created app first: https://first.localhost:8443/" in made.stdout
    assert "git push paas main" in made.stdout
    assert remote(clone) == "http://127.0.0.1:4321/slipway/first.git"
    assert (platform.home / "git" / "slipway" / "first.git" / "HEAD").exists()
    shown = platform.paas("apps:show", folder=clone)
    assert shown.exit_code == 0
    assert "name            first" in shown.stdout


@pytest.mark.parametrize(("branch", "feeds"), [("master", "master"), ("trunk", "trunk"), ("feature", "main")])
def test_the_branch_of_an_older_clone_feeds_production(
    platform: Platform, clone: Path, branch: str, feeds: str
) -> None:
    subprocess.run(["git", "-C", clone, "symbolic-ref", "HEAD", f"refs/heads/{branch}"], check=True)
    made = platform.paas("apps", "create", f"of-{branch}", folder=clone)

    assert f"git push paas {feeds}" in made.stdout
    assert platform.paas("apps:show", folder=clone).stdout.count(f"branch          {feeds}\n") == 1


def test_a_remote_with_another_url_is_not_changed(platform: Platform, clone: Path) -> None:
    subprocess.run(["git", "-C", clone, "remote", "add", "paas", "http://else.example.org/a.git"], check=True)

    made = platform.paas("apps", "create", "second", folder=clone)

    assert made.exit_code == 0
    assert "was not changed" in made.stdout
    assert remote(clone) == "http://else.example.org/a.git"


def test_an_app_with_a_git_url_becomes_current(platform: Platform, clone: Path) -> None:
    url = "http://git.example.org/people/website.git"
    platform.paas("apps", "create", "fourth", "--git-url", url, folder=clone)
    another = platform.paas("apps", "create", "fifth", "--git-url", url, "--path", "api/**", folder=clone)

    assert "name            fourth" in platform.paas("apps:show", folder=clone).stdout
    assert "still use the app fourth: give --app fifth" in another.stdout
    subprocess.run(["git", "-C", clone, "remote", "set-url", "paas", "http://git.example.org/fifth.git"], check=True)
    assert "name            fifth" in platform.paas("apps:show", folder=clone).stdout


GIT = "http://127.0.0.1:4321"  # where the platform's git server would be
NOTHING_SET = {"PAAS_SERVER": None, "PAAS_TOKEN": None}


@pytest.fixture
def local(platform: Platform, clone: Path) -> Path:
    """Write the file by which the platform on this machine is found, and return the clone."""
    state = clone.parent / ".slipway"
    state.mkdir()
    endpoints = {"gateway": platform.url, "token": "token-with-scope-admin", "ca": "", "git": GIT}
    (state / "endpoints.json").write_text(json.dumps(endpoints))
    return clone


def asked_by_git(clone: Path, url: str) -> str:
    """Return the answer of git's credential helpers for a URL."""
    command = ["git", "-C", str(clone), "-c", "core.askPass=false", "credential", "fill"]
    env = {"HOME": str(clone), "PATH": os.defpath, "GIT_TERMINAL_PROMPT": "0"}
    asked = f"url={url}\n\n"
    return subprocess.run(command, input=asked, env=env, check=False, capture_output=True, text=True).stdout


def test_git_gets_the_token_from_paas_and_no_file_of_git_has_it(platform: Platform, local: Path) -> None:
    inner = local / "web"
    inner.mkdir()

    made = platform.paas("apps", "create", "third", folder=inner, env=NOTHING_SET)

    assert made.exit_code == 0, made.output
    assert remote(local) == f"{GIT}/slipway/third.git"
    config = (local / ".git" / "config").read_text()
    assert "token-with-scope-admin" not in config + made.output
    assert "password=token-with-scope-admin" in asked_by_git(local, f"{GIT}/slipway/third.git").splitlines()
    for elsewhere in ("http://127.0.0.1:4322/slipway/third.git", "https://127.0.0.1:4321/third.git"):
        assert "token-with-scope-admin" not in asked_by_git(local, elsewhere)
    other = platform.paas("apps", "list", folder=inner, env={**NOTHING_SET, "PAAS_SERVER": "http://other.example"})
    assert (other.exit_code, "no token for http://other.example" in other.stderr) == (2, True)


def test_a_remote_is_added_later_and_an_old_password_removed_from_it(platform: Platform, local: Path) -> None:
    platform.json("apps:create", "sixth")
    url = f"{GIT}/slipway/sixth.git"
    command = ["git", "-C", str(local), "remote", "add", "paas", url.replace("://", "://slipway:old-password@")]
    subprocess.run(command, check=True)

    added = platform.paas("apps", "remote", "sixth", folder=local, env=NOTHING_SET)

    assert (added.exit_code, remote(local)) == (0, url), added.output
    assert "git push paas main" in added.stdout
    assert "old-password" not in (local / ".git" / "config").read_text()
    again = platform.paas("apps", "remote", "sixth", folder=local, env=NOTHING_SET)
    assert (again.exit_code, remote(local)) == (0, url), again.output
    assert "password=token-with-scope-admin" in asked_by_git(local, url)
    assert platform.paas("apps", "remote", "none", folder=local, env=NOTHING_SET).exit_code == 3
    assert platform.paas("apps", "remote", "sixth", folder=local.parent).exit_code == 2


def test_the_helper_gives_the_token_to_the_git_server_alone(platform: Platform, local: Path) -> None:
    for asked in ("protocol=https\nhost=127.0.0.1:4321\n", "protocol=http\nhost=example.org\n", "", "host\n"):
        said = platform.paas("git-credential", "--for", GIT, "get", folder=local, env=NOTHING_SET, input=asked)
        assert (said.exit_code, said.output) == (0, ""), asked
    asked = "protocol=http\nhost=127.0.0.1:4321\nusername=ada\n"
    said = platform.paas("git-credential", "--for", GIT, "get", folder=local, env=NOTHING_SET, input=asked)
    assert said.stdout == "username=ada\npassword=token-with-scope-admin\n"
    stored = platform.paas("git-credential", "--for", GIT, "store", folder=local, env=NOTHING_SET, input=asked)
    assert (stored.exit_code, stored.output) == (0, "")
    env = {**NOTHING_SET, "PAAS_SERVER": "http://other.example"}
    unknown = platform.paas("git-credential", "--for", GIT, "get", folder=local, env=env, input=asked)
    assert (unknown.exit_code, unknown.stdout) == (2, "quit=1\n")
    assert "log in with `paas login`" in unknown.stderr


def test_apps_are_listed_aligned_and_as_json_and_deleted(platform: Platform) -> None:
    for name in ("list-a", "list-long-name"):
        assert platform.json("apps:create", name)["remote"] == "none"

    lines = platform.paas("apps", "list").stdout.splitlines()
    rows = [line for line in lines if line.startswith(("NAME", "list-"))]
    assert len({line.index(word) for line, word in zip(rows, ("STATE", "new", "new"), strict=True)}) == 1
    assert "\x1b" not in "".join(lines)
    assert {"list-a", "list-long-name"} <= {app["name"] for app in platform.json("apps", "list")}
    kept = platform.paas("apps", "delete", "list-a", input="no\n")
    assert (kept.exit_code, "nothing was deleted" in kept.stderr) == (2, True)
    assert platform.json("apps", "delete", "list-a", "--yes")["deleted"] == "list-a"
    assert platform.paas("apps", "show", "list-a").exit_code == 3
