"""The accounts of a one-machine platform: setup, an invited user's app from create to live, and a stranger."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.local.pipeline.developer import clone_for
from tests.local.pipeline.stage import Stage

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
    developer.push()
    stage.live(sha, "owned")

    assert created["remote"] == "added"
    assert json.loads(done(clone, dev, "explain", sha, "--json"))["state"] == "live"
    assert developer.answer().split()[0] == sha
    for arguments in (["apps", "show", "owned"], ["explain", sha], ["logs", "--app", "owned"]):
        hidden = paas(clone, stranger, *arguments)
        assert hidden.returncode == 3, (arguments, hidden.stdout + hidden.stderr)
    assert json.loads(done(clone, stranger, "apps", "list", "--json")) == []
    assert json.loads(done(clone, stranger, "events", "list", "--json")) == []
