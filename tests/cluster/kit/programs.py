"""Starts programs in the background, finds them by pid and file, and stops them."""

import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.kit.cache import Instance
from tests.patience import patient

GRACE = 15.0  # seconds between SIGTERM and SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program and its arguments; `flags` become --name=value, `through` is a command that executes the program."""

    name: str
    file: Path
    words: tuple[str | Path, ...] = ()
    flags: dict[str, object] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    through: tuple[str | Path, ...] = ()

    def command(self) -> list[str]:
        """Return the command line."""
        words = map(str, (*self.through, self.file, *self.words))
        return [*words, *(f"--{name}={value}" for name, value in self.flags.items())]


def start(instance: Instance, program: Program) -> None:
    """Start the program unless it runs already; its output goes to logs/<name>.log."""
    instance.pids.mkdir(parents=True, exist_ok=True)
    instance.logs.mkdir(parents=True, exist_ok=True)
    if is_running(instance, program.name):
        return
    (instance.pids / program.name).unlink(missing_ok=True)
    log = str(instance.logs / f"{program.name}.log")
    opened = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    environment = {**os.environ, **program.environment}  # noqa: TID251 - PATH and the like go through
    # Not by subprocess: the program outlives this one, which never waits for it.
    command = program.command()
    pid = os.posix_spawn(command[0], command, environment, file_actions=opened, setsid=True)
    (instance.pids / program.name).write_text(f"{pid} {program.file}\n")


def is_running(instance: Instance, name: str) -> bool:
    """Return whether the program that was started under this name still runs."""
    return _pid(instance.pids / name) is not None


def stop(instance: Instance, name: str) -> None:
    """Stop one program, not its children."""
    pid = _pid(instance.pids / name)
    if pid is not None:
        _signal(pid, signal.SIGTERM)
        until = time.monotonic() + patient(GRACE)
        while _pid(instance.pids / name) is not None and time.monotonic() < until:
            time.sleep(0.05)
        if _pid(instance.pids / name) is not None:
            _signal(pid, signal.SIGKILL)
    (instance.pids / name).unlink(missing_ok=True)


def stop_all(instance: Instance) -> None:
    """Stop every program of the instance, the last one started first."""
    files = sorted(instance.pids.glob("*"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    for file in files:
        stop(instance, file.name)


def _pid(file: Path) -> int | None:
    """Return the pid; None when the program has ended, also when another program has the number now."""
    if not file.exists():
        return None
    number, _, program = file.read_text().strip().partition(" ")
    process = Path("/proc") / number
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None
    return int(number) if program.encode() in words and state != "Z" else None


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
