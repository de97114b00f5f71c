"""paas run on a running platform: output, input, a terminal, and the exit code of the command."""

import os
import pty
import select
import subprocess
import sys
import time

import pytest

from tests.local.pipeline.developer import Developer, begin
from tests.local.pipeline.stage import Stage
from tests.patience import patient

PAAS = [sys.executable, "-m", "functions.cli.main"]


@pytest.fixture(scope="module")
def dev(stage: Stage) -> Developer:
    developer = begin(stage, "errands")
    developer.deploy()
    return developer


def run(dev: Developer, *command: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run `paas run`, with a text piped into it."""
    return subprocess.run(
        [*PAAS, "run", *command],
        cwd=dev.clone,
        input=text,
        stdin=subprocess.DEVNULL if text is None else None,
        env={"PATH": os.defpath, "HOME": str(dev.clone)},
        capture_output=True,
        text=True,
        timeout=patient(60),
        check=False,
    )


def test_a_command_runs_in_the_image_and_config_of_the_release(dev: Developer) -> None:
    script = "import os, sys; print(os.environ['SLIPWAY_APP'], os.path.exists('Procfile')); sys.exit(5)"
    begun = time.monotonic()
    ran = run(dev, "python", "-c", script)

    assert (ran.returncode, ran.stdout) == (5, "errands True\n"), ran
    assert time.monotonic() - begun < patient(10)


def test_what_is_piped_in_is_read_to_its_end(dev: Developer) -> None:
    ran = run(dev, "sort", text="b\na\n")

    assert (ran.returncode, ran.stdout) == (0, "a\nb\n"), ran


def test_a_terminal_here_is_one_there(dev: Developer) -> None:
    ours, theirs = pty.openpty()
    environment = {"PATH": os.defpath, "HOME": str(dev.clone)}
    with subprocess.Popen(
        [*PAAS, "run", "sh"], cwd=dev.clone, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        shown, typed, deadline = b"", b"test -t 0 && echo is-a-terminal; exit 4\n", time.monotonic() + patient(30)
        while process.poll() is None and time.monotonic() < deadline:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    shown += os.read(ours, 65_536)
                except OSError:  # the command has ended
                    break
            if typed and shown.endswith((b"$ ", b"# ")):
                typed = typed[os.write(ours, typed) :]
        if process.poll() is None and time.monotonic() >= deadline:
            process.kill()
        assert process.wait(timeout=patient(20)) == 4, shown
    os.close(ours)
    assert b"\r\nis-a-terminal" in shown, shown


def test_a_command_over_its_time_limit_is_ended(dev: Developer) -> None:
    ran = run(dev, "--timeout", "1", "sleep", "100")

    assert (ran.returncode, "within 1 seconds" in ran.stderr) == (143, True), ran


def test_a_detached_command_is_read_later(dev: Developer) -> None:
    number = run(dev, "--detach", "echo", "later").stdout.strip()
    listed = dev.paas_json("runs", "list")

    assert dev.paas("runs", "output", number) == "later\n"
    assert listed[0]["id"] == number
    assert dev.paas_json("runs", "list")[0]["exit_code"] == 0
