"""One-off commands on one machine: output, input, terminal, exit code and limits."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from functions.common.adapters.local.runs import LocalRuns
from functions.common.domain.release import Release, ReleaseKind
from functions.common.errors import Rejected
from functions.common.ports.runs import Run
from tests.databases import Databases
from tests.local.processes import is_running
from tests.local.rollouts.conftest import controlled
from tests.local.rollouts.world import RolloutWorld, rollout_world
from tests.local.waiting import until
from tests.patience import patient

SHOW = """
import os
print(os.environ["SECRET"], os.environ["SLIPWAY_RELEASE"], os.path.exists("app.py"), "PORT" in os.environ)
"""


class Terminal:
    """Starts commands in an app, and reads and writes as its user would."""

    def __init__(self, world: RolloutWorld) -> None:
        self.world = world
        self.runs = LocalRuns(database=world.database, home=world.home)
        workload = world.workload(1)
        self.release = Release(
            app="hello",
            environment="production",
            number=1,
            kind=ReleaseKind.PUSH,
            digest=workload.digest,
            image=workload.image,
            sha="a" * 40,
            push="",
            sequence=1,
            config={"SECRET": "it's a $secret\n"},
        )

    def start(self, *command: str, **fields: object) -> Run:
        """Start a command."""
        run = Run(
            id=str(uuid.uuid4()),
            app="hello",
            environment="production",
            release=1,
            command=command,
            actor="ann",
            seconds=int(patient(60)),
        )
        run = replace(run, **fields)  # type: ignore[arg-type] # a test's own words
        self.runs.start(run, self.release, given=None)
        return run

    def read(self, run: Run, *, until_text: str = "") -> str:
        """Return the output as soon as it has a text."""

        def output() -> str:
            return self.runs.read(run, 0).data.decode()

        until(lambda: until_text in output() and output(), why=f"{until_text!r} in {output()!r}")
        return output()

    def all_of(self, run: Run) -> tuple[str, int | None, str]:
        """Return output, exit code and reason of a run."""
        size = 0

        def is_over() -> bool:
            nonlocal size
            found = self.runs.read(run, size)
            size = found.next_offset
            return found.exit_code is not None

        until(is_over, why="the end")
        end = self.runs.read(run, size)
        return self.runs.read(run, 0).data.decode(), end.exit_code, end.reason


@pytest.fixture(scope="module")
def terminal(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """Yield a terminal of an app that stays as it is."""
    with (
        databases.one() as url,
        rollout_world(url, tmp_path_factory.mktemp("terminal") / "home", pause=0.0) as world,
        controlled(world),
    ):
        world.deployer.apply(world.workload(1))
        world.live(1)
        yield Terminal(world)


def test_a_command_has_the_config_and_image_of_the_release(terminal: Terminal) -> None:
    run = terminal.start("python", "-c", SHOW)

    assert terminal.all_of(run) == ("it's a $secret\n 1 True False\n", 0, "")


@pytest.mark.parametrize(
    ("command", "code"),
    [(("true",), 0), (("sh", "-c", "exit 7"), 7), (("sh", "-c", "kill -9 $$"), 137), (("nothing-like-it",), 127)],
)
def test_the_exit_code_is_that_of_the_command(terminal: Terminal, command: tuple[str, ...], code: int) -> None:
    assert terminal.all_of(terminal.start(*command))[1] == code


def test_words_are_passed_as_they_are(terminal: Terminal) -> None:
    words = ("a b", "$HOME", "'", '"', "*", "é", "")
    run = terminal.start("python", "-c", "import sys; print(sys.argv[1:])", *words)

    assert terminal.all_of(run)[0] == f"{list(words)}\n"


def test_a_command_that_reads_nothing_finds_the_end_of_its_input(terminal: Terminal) -> None:
    assert terminal.all_of(terminal.start("cat"))[:2] == ("", 0)


def test_piped_input_arrives_whole(terminal: Terminal) -> None:
    run = terminal.start("wc", "-c", interactive=True)
    for _ in range(40):
        terminal.runs.write(run, b"x" * 50_000)
    terminal.runs.write(run, b"", eof=True)

    assert terminal.all_of(run)[0].strip() == "2000000"


def test_a_terminal_echoes_resizes_and_takes_control_characters(terminal: Terminal) -> None:
    run = terminal.start("sh", interactive=True, tty=True, columns=100, rows=30)
    terminal.runs.write(run, b"stty size; tty\n")
    shown = terminal.read(run, until_text="/dev/")
    terminal.runs.write(run, b"", columns=120, rows=40)
    terminal.runs.write(run, b"stty size\n")
    resized = terminal.read(run, until_text="40 120")
    terminal.runs.write(run, b"sh -c 'echo began $((6 * 7)); exec sleep 100'\n")
    terminal.read(run, until_text="began 42")  # before it runs, the shell would get the signal
    terminal.runs.write(run, b"\x03")
    terminal.runs.write(run, b"exit 3\n")

    assert ("30 100" in shown, "stty size; tty" in shown, "40 120" in resized) == (True, True, True)
    assert terminal.all_of(run)[1] == 3


def test_a_command_does_not_outlive_its_limit_nor_do_its_children(terminal: Terminal) -> None:
    run = terminal.start("sh", "-c", "sleep 1061 & wait", seconds=5)
    _, code, reason = terminal.all_of(run)

    assert (code, "within 5 seconds" in reason) == (143, True)
    assert not is_running("sleep", "1061")


def test_a_command_is_stopped_on_request(terminal: Terminal) -> None:
    run = terminal.start("sleep", "1000")
    until(lambda: state(terminal, run) == "running", why="its start")
    terminal.runs.stop(run)

    assert terminal.all_of(run)[1:] == (143, "it was stopped")


def test_what_a_command_leaves_in_the_background_ends_with_it(terminal: Terminal) -> None:
    run = terminal.start("sh", "-c", "setsid sleep 1062 > /dev/null 2>&1 & echo begun")

    assert terminal.all_of(run)[:2] == ("begun\n", 0)
    assert not is_running("sleep", "1062")


def test_a_stopped_controller_leaves_no_command(bare: RolloutWorld) -> None:
    with controlled(bare):
        bare.deployer.apply(bare.workload(1))
        bare.live(1)
        terminal = Terminal(bare)
        run = terminal.start("sh", "-c", "echo begun; exec sleep 1063")
        terminal.read(run, until_text="\n")

    assert terminal.all_of(run)[1:] == (143, "the platform was stopped")
    assert not is_running("sleep", "1063")


def test_where_nothing_runs_a_command_is_refused(bare: RolloutWorld) -> None:
    with pytest.raises(Rejected, match="deploy it first"):
        Terminal(bare).start("true")


def test_ten_commands_run_side_by_side(terminal: Terminal) -> None:
    begun = time.monotonic()
    runs = [terminal.start("sh", "-c", f"sleep 1; echo {number}") for number in range(10)]
    outputs = [terminal.all_of(run)[0] for run in runs]

    assert outputs == [f"{number}\n" for number in range(10)]
    assert time.monotonic() - begun < 10


def state(terminal: Terminal, run: Run) -> str:
    """Return the state of a run."""
    ((found,),) = terminal.world.database.run("select state from platform.runs where run = :run::uuid", run=run.id)
    return str(found)
