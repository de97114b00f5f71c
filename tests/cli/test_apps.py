"""paas apps, in and outside a clone."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Platform


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    subprocess.run(["git", "init", "--quiet", folder], check=True)
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


def test_the_local_platform_is_found_and_its_credentials_are_in_the_remote(platform: Platform, clone: Path) -> None:
    state, inner = clone.parent / ".slipway", clone / "web"
    state.mkdir()
    inner.mkdir()
    endpoints = {
        "gateway": platform.url,
        "token": "token-with-scope-admin",
        "ca": "",
        "git": "http://me:pw@127.0.0.1:4321",
    }
    (state / "endpoints.json").write_text(json.dumps(endpoints))
    nothing_set = {"PAAS_SERVER": None, "PAAS_TOKEN": None}

    made = platform.paas("apps", "create", "third", folder=inner, env=nothing_set)

    assert made.exit_code == 0, made.output
    assert remote(clone) == "http://me:pw@127.0.0.1:4321/slipway/third.git"
    assert "pw" not in made.output
    elsewhere = platform.paas("apps", "list", folder=inner, env={**nothing_set, "PAAS_SERVER": "http://other.example"})
    assert (elsewhere.exit_code, "no token for http://other.example" in elsewhere.stderr) == (2, True)


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
