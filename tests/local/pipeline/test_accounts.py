"""The accounts of a one-machine platform: setup, an invited user's app from create to live, and a stranger."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.local.git.forge import ssh_command
from tests.local.pipeline.developer import clone_for
from tests.local.pipeline.stage import Stage
from tests.local.repositories import GIT

PASSWORD = "correct horse battery"


def paas(folder: Path, home: Path, *arguments: str, text: str = "") -> "subprocess.CompletedProcess[str]":
    """Run paas in a folder as a person with that home."""
    env = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin"}
    command = [sys.executable, "-m", "functions.cli.main", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env={**env, "PYTHONPATH": str(ROOT)},
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


def done(folder: Path, home: Path, *arguments: str, text: str = "") -> str:
    """Run a command that must succeed and return what it prints."""
    ran = paas(folder, home, *arguments, text=text)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_an_invited_user_deploys_an_app_that_another_does_not_see(stage: Stage, tmp_path: Path) -> None:
    admin, dev, stranger = (tmp_path / name for name in ("admin", "dev", "stranger"))
    developer = clone_for(stage, "owned")
    clone = developer.clone
    for home in (admin, dev, stranger):
        home.mkdir()
    secret = PASSWORD + "\n"
    done(clone, admin, "setup", "--email", "admin@example.org", "--password-stdin", text=secret)
    done(clone, admin, "login", "--email", "admin@example.org", "--password-stdin", text=secret)
    for email, home in (("dev@example.org", dev), ("stranger@example.org", stranger)):
        invitation = json.loads(done(clone, admin, "users", "invite", email, "--json"))["token"]
        done(clone, home, "join", invitation, "--password-stdin", text=secret)

    created: dict[str, Any] = json.loads(done(clone, dev, "apps", "create", "owned", "--json"))
    sha = developer.commit()
    pushed = git(clone, dev, "push", "paas", "HEAD:refs/heads/main")

    assert pushed.returncode == 0, pushed.stderr
    assert f"slipway: live at {created['url']}" in pushed.stderr
    assert tokens_in(clone) == set()
    assert created["remote"] == "added"
    assert json.loads(done(clone, dev, "explain", sha, "--json"))["state"] == "live"
    assert developer.answer().split()[0] == sha
    for arguments in (["apps", "show", "owned"], ["explain", sha], ["logs", "--app", "owned"]):
        hidden = paas(clone, stranger, *arguments)
        assert hidden.returncode == 3, (arguments, hidden.stdout + hidden.stderr)
    for url in (created["git_clone_http"], created["git_clone_http"].replace("owned", "nothing")):
        refused = git(clone, stranger, "push", url, "HEAD:refs/heads/stolen")
        assert "there is no such repository, or you may not see it" in refused.stderr
    assert json.loads(done(clone, stranger, "apps", "list", "--json")) == []
    assert json.loads(done(clone, stranger, "events", "list", "--json")) == []


def test_a_key_added_by_paas_pushes_over_ssh_until_it_is_removed(stage: Stage, tmp_path: Path) -> None:
    developer = clone_for(stage, "keyed")
    clone, home, key = developer.clone, tmp_path / "home", tmp_path / "id"
    home.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "mine", "-f", str(key)], check=True)
    invitation = json.loads(done(clone, tmp_path, "users", "invite", "keyed@example.org", "--json"))["token"]
    done(clone, home, "join", invitation, "--password-stdin", text=PASSWORD + "\n")
    url = json.loads(done(clone, home, "apps", "create", "keyed", "--json"))["git_clone_ssh"]
    developer.commit()
    refused = git(clone, home, "push", url, "HEAD:refs/heads/main", key=key)
    assert "Permission denied (publickey)" in refused.stderr

    added = done(clone, home, "keys", "add", f"{key}.pub")
    listed = subprocess.run(["ssh-keygen", "-lf", f"{key}.pub"], capture_output=True, text=True, check=True).stdout
    assert listed.split()[1] in added
    pushed = git(clone, home, "push", url, "HEAD:refs/heads/main", key=key)
    assert "slipway: live at https://keyed." in pushed.stderr

    done(clone, home, "keys", "remove", "mine")
    assert "Permission denied (publickey)" in git(clone, home, "ls-remote", url, key=key).stderr


def git(folder: Path, home: Path, *arguments: str, key: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run git as a person with that home, who is never asked anything."""
    env = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "PATH": os.defpath, "GIT_TERMINAL_PROMPT": "0"}
    env |= {"GIT_SSH_COMMAND": ssh_command(key)} if key else {}
    command = [GIT, *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def tokens_in(clone: Path) -> set[str]:
    """Return the files of git in a clone that hold a token."""
    files = [file for file in (clone / ".git").rglob("*") if file.is_file()]
    return {file.name for file in files if b"slipway_" in file.read_bytes()}
