"""How a program is isolated, for each way that this machine allows."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.common.settings import Settings
from functions.local.files import write_private
from functions.local.platform.programs import CODE
from functions.local.sandbox.isolation import LAUNCH, Box, Isolation, IsolationKind, Limits, detect, weakness
from tests.local.processes import is_running
from tests.local.sandboxed import sandbox_settings
from tests.local.waiting import until
from tests.patience import patient

IS_ROOT = os.getuid() == 0


class Sandbox:
    """A state folder with a secret and an image, in which programs run."""

    def __init__(self, isolation: Isolation) -> None:
        self.isolation, self.home = isolation, isolation.home
        self.image = self.home / "image"
        self.image.mkdir()
        (self.image / "greeting").write_text("hello")
        (self.image / "greeting").chmod(0o666)
        self.image.chmod(0o755)
        write_private(self.home / "secret", "do-not-tell")

    def start(self, script: str, *, user: str = "app", limits: Limits | None = None) -> "subprocess.Popen[str]":
        """Start a script."""
        box = Box(
            work=self.home / "work" / user,
            user=self.isolation.user(user),
            writes=(self.home / "data" / user,),
            copied=self.image,
            limits=limits or Limits(),
        )
        environment = {"PATH": os.defpath, "HOME": str(self.home / "data" / user)}
        argv = ("/bin/sh", "-c", script)
        folder = self.isolation.seen(box)
        spec = self.isolation.launch(box, argv=argv, folder=folder, environment=environment)
        write_private(self.home / f"{user}.json", json.dumps(spec))
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(LAUNCH), str(self.home / f"{user}.json")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, script: str, *, user: str = "app", limits: Limits | None = None) -> tuple[int, str]:
        """Return the exit code and output of a script."""
        process = self.start(script, user=user, limits=limits)
        output, _ = process.communicate(timeout=patient(30))
        return process.returncode, output


@pytest.fixture(params=["namespaces", "users", ""])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    kind: IsolationKind = request.param
    if kind == "users" and not IS_ROOT:
        pytest.skip("only root can make a process another user")
    # Not tmp_path, which no other user can reach.
    with tempfile.TemporaryDirectory(prefix="slipway-sandbox-") as folder:
        Path(folder).chmod(0o711)
        found = detect(Settings(environment={"SLIPWAY_LOCAL_HOME": folder, **sandbox_settings(Path(folder))}))
        if (kind == "namespaces" and found.kind != kind) or (kind == "users" and not found.users):
            pytest.skip(weakness(found))
        users = found.users if kind else range(0)
        has_overlays = found.has_overlays and kind == "namespaces"
        yield Sandbox(
            Isolation(kind=kind, home=Path(folder), has_overlays=has_overlays, users=users, reads=found.reads)
        )


@pytest.mark.parametrize(
    ("script", "code"), [("true", 0), ("exit 7", 7), ("kill -9 $$", 137), ("nothing-like-it", 127)]
)
def test_the_exit_code_is_that_of_the_program(sandbox: Sandbox, script: str, code: int) -> None:
    assert sandbox.run(script)[0] == code


def test_a_program_writes_in_its_folders_and_leaves_the_image_as_it_is(sandbox: Sandbox) -> None:
    written = sandbox.run(
        "cat greeting; echo changed > greeting; echo x > new; cat greeting new; echo y > ~/y && cat ~/y"
    )

    assert written == (0, "hellochanged\nx\ny\n")
    assert [path.name for path in sandbox.image.iterdir()] == ["greeting"]
    assert (sandbox.image / "greeting").read_text() == "hello"


def test_a_program_reads_no_secret_of_the_platform_and_nothing_of_another(sandbox: Sandbox) -> None:
    if not sandbox.isolation.kind:
        pytest.skip("without isolation it does, as `task up` says")
    assert sandbox.run("echo mine > ~/note; echo mine > note", user="other")[0] == 0
    home, other = sandbox.home, sandbox.home / "work" / "other"
    files = f"{home}/secret {home}/data/other/note {other}/*/note {other}/copy/note"
    _, output = sandbox.run(f"cat {files}; cat ~/note note")

    assert "do-not-tell" not in output
    assert "mine" not in output


def test_a_program_has_no_rights_of_root(sandbox: Sandbox) -> None:
    if not sandbox.isolation.kind:
        pytest.skip("without isolation it is the platform's user")
    code, output = sandbox.run("id -u; grep -E 'CapEff|NoNewPrivs' /proc/self/status")
    user, capabilities, privileges = output.split("\n", 2)

    assert code == 0
    assert int(user) != 0
    assert capabilities.split()[1].strip("0") == ""
    assert privileges.split()[1] == "1"


def test_nothing_survives_a_program_whatever_session_it_is_in(sandbox: Sandbox) -> None:
    name = f"77{len(sandbox.isolation.kind)}"
    script = (
        f"setsid sleep {name}1 & (setsid sleep {name}2 &) ; nohup sleep {name}3 >/dev/null 2>&1 & sleep 0.3; echo over"
    )
    begun = time.monotonic()
    code, output = sandbox.run(script)

    assert (code, output.split()[-1]) == (0, "over")
    assert time.monotonic() - begun < patient(10)
    assert [number for number in "123" if is_running("sleep", f"{name}{number}")] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_process_group_reaches_the_program_alone(sandbox: Sandbox, number: signal.Signals) -> None:
    process = sandbox.start(
        "trap 'sleep 0.2; echo ended well; exit 5' TERM INT; echo ready; while :; do sleep 0.05; done"
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, number)
    output, _ = process.communicate(timeout=patient(20))

    assert (process.returncode, output.splitlines()[-1]) == (5, "ended well")  # a shell may name its child too


@pytest.mark.parametrize("whole", [False, True], ids=["launcher", "group"])
def test_a_kill_takes_the_program_with_all_that_it_started(sandbox: Sandbox, *, whole: bool) -> None:
    """A process manager kills the group of a program that does not end by itself; its daemons are in no group of it."""
    name = f"77{8 + whole}{len(sandbox.isolation.kind)}"
    script = (
        f"trap '' TERM; setsid sleep {name}1 & setsid -f setsid sleep {name}2; sleep {name}3 & "
        "echo begun; while :; do wait; done"
    )
    with sandbox.start(script) as process:
        until(lambda: all(is_running("sleep", f"{name}{number}") for number in "123"), why="its start")
        os.killpg(process.pid, signal.SIGTERM)
        assert process.poll() is None
        if whole:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()

    for number in "123":
        until(lambda number=number: not is_running("sleep", f"{name}{number}"), why=f"the end of {number}")  # type: ignore[misc]


def test_the_number_of_processes_is_limited(sandbox: Sandbox) -> None:
    if not sandbox.isolation.kind:
        pytest.skip("the limit would count all processes of this user")
    script = "for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 5 & done; echo all"
    code, output = sandbox.run(script, limits=Limits(processes=10))

    assert code != 0
    assert "all" not in output


_NO_MOUNTS = ("--bounding-set", "-sys_admin")
DETECT = """
from functions.common.errors import Rejected
from functions.common.settings import from_environment
from functions.local.sandbox.isolation import detect, weakness
try:
    found = detect(from_environment())
    print(found.kind or "none", weakness(found), sep=": ")
except Rejected as error:
    print("refused", error, sep=": ")
"""


def can_give_up_a_right() -> bool:
    found = shutil.which("setpriv")
    return bool(IS_ROOT and found and not subprocess.run([found, *_NO_MOUNTS, "true"], check=False).returncode)


@pytest.mark.skipif(not can_give_up_a_right(), reason="only root can give up a right before the start")
@pytest.mark.parametrize("mode", ["auto", "required", "off"])
def test_where_no_namespaces_can_be_made_the_start_says_what_that_means(mode: str) -> None:
    with tempfile.TemporaryDirectory(prefix="slipway-sandbox-") as folder:
        Path(folder).chmod(0o711)
        environment = {"PATH": os.defpath, "SLIPWAY_LOCAL_HOME": folder, "SLIPWAY_SANDBOX": mode}
        argv = ["setpriv", *_NO_MOUNTS, sys.executable, "-c", DETECT]
        found = subprocess.run(argv, env=environment, cwd=CODE, check=True, capture_output=True, text=True).stdout

    outcome, _, words = found.partition(": ")
    if mode == "off":
        assert (outcome, "run as root" in words) == ("none", True)
    elif mode == "auto" and outcome == "users":
        assert "builds and apps run as users of their own" in words
    else:  # an interpreter below /root is out of reach of other users
        assert outcome == "refused"
        assert "SLIPWAY_SANDBOX=required, but" in words or "`chmod o+x /" in words


def test_without_a_sandbox_the_start_says_so(tmp_path: Path) -> None:
    found = detect(Settings(environment={"SLIPWAY_LOCAL_HOME": str(tmp_path), "SLIPWAY_SANDBOX": "off"}))

    assert found.kind == ""
    assert "have no sandbox" in weakness(found)
