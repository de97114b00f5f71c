"""A user who goes away while the server prints leaves a stored push, and nothing that runs on."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.databases import Databases
from tests.fakes.loopback import Call, Reply, served
from tests.local.git.forge import Forge, clone, commit, forge, git, ssh_command
from tests.local.git.people import People, fill
from tests.local.waiting import until
from tests.patience import patient

RUNNING = {"step": "build", "state": "running", "reason": "", "event": "e1", "details": {"build": "b1"}}
BUILDING = {"app": "own", "environment": "production", "state": "building", "final": False, "steps": [RUNNING, RUNNING]}


@dataclass(slots=True, kw_only=True)
class Gateway:
    """Takes webhooks, and has a build that prints for ever, `amount` bytes at a time."""

    amount: int = 10
    announced: list[str] = field(default_factory=list)

    def answer(self, call: Call) -> Reply:
        """Answer one call."""
        if call.method == "POST":
            self.announced.append(call.body["ref"])
            return Reply(status=202, body={"event": "p1"})
        if "/builds/" in call.path:
            text = "x" * self.amount + "\n"
            return Reply(status=200, body={"text": text, "next_offset": time.monotonic_ns(), "ended": False})
        return Reply(status=200, body={"pushes": [{"apps": [BUILDING]}]})


@pytest.fixture(scope="module")
def running(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Forge, Path]]:
    folder = tmp_path_factory.mktemp("leaving")
    with databases.one() as url, forge(folder / "home", url) as found:
        people = People(database=found.database)
        user = people.user("owner")
        people.app("own", owner=user)
        fill(found, "own", folder)
        yield found, people.key(user, folder / "key")


@contextmanager
def pushing(remote: str, folder: Path, key: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Push a new branch named as the folder, as a process group whose output nothing reads but this test."""
    work = clone(folder / "work")
    commit(work, {"a": folder.name}, "one")
    environment = {"HOME": str(work), "PATH": os.defpath, "GIT_SSH_COMMAND": ssh_command(key)}
    command = ["git", "push", remote, f"HEAD:refs/heads/{folder.name}"]
    process = subprocess.Popen(command, cwd=work, env=environment, stderr=subprocess.PIPE, start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=patient(10))


def hooks(found: Forge) -> list[str]:
    """Return the hooks of this forge that run."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    home = str(found.home)
    return [line for line in listed.splitlines() if home in line and "post_receive" in line]


@pytest.mark.parametrize("transport", ["http", "ssh"])
def test_a_push_whose_user_goes_away_is_stored_and_its_programs_end(
    running: tuple[Forge, Path], tmp_path: Path, transport: str
) -> None:
    found, key = running
    remote = found.remote("own.git") if transport == "http" else found.over_ssh("own.git")
    gateway: Any = Gateway()
    with served(gateway, port=found.gateway.port):
        with pushing(remote, tmp_path, key) as process:
            output = b""
            while output.count(b"xxx") < 2:
                assert process.stderr is not None
                part = process.stderr.readline()
                assert part, output
                output += part
        until(lambda: not hooks(found), seconds=45, why="the end of the hook")

    assert gateway.announced[0] == f"refs/heads/{tmp_path.name}"
    assert f"refs/heads/{tmp_path.name}" in git("ls-remote", found.remote("own.git"), cwd=tmp_path)


@pytest.mark.parametrize("transport", ["http", "ssh"])
def test_a_user_who_does_not_read_holds_up_no_other_and_no_program_for_long(
    running: tuple[Forge, Path], tmp_path: Path, transport: str
) -> None:
    found, key = running
    remote = found.remote("own.git") if transport == "http" else found.over_ssh("own.git")
    gateway: Any = Gateway(amount=200_000)
    with served(gateway, port=found.gateway.port), pushing(remote, tmp_path, key):
        until(lambda: gateway.announced, seconds=20, why="the webhook of the push")
        ref = f"refs/heads/{tmp_path.name}"
        assert ref in git("ls-remote", found.remote("own.git"), cwd=tmp_path)
        assert ref in git("ls-remote", found.over_ssh("own.git"), cwd=tmp_path, key=key)
        other = clone(tmp_path / "other")
        commit(other, {"b": tmp_path.name}, "two")
        git("push", "-q", found.remote("own.git"), f"HEAD:{ref}-2", cwd=other)
        assert gateway.announced[-2] == f"{ref}-2"
        until(lambda: not hooks(found), seconds=45, why="the end of the hook that nothing reads")
