"""Kills a random program with -9 every one to two seconds; the process manager starts it again."""

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from functions.local.platform.supervisor import Supervisor
from tests.patience import patient

SPARED = frozenset({"caddy", "builds", "rollouts", "git"})  # they run and serve apps
APPS = "app."


@dataclass(kw_only=True)
class Killer:
    """`killed` counts by program."""

    supervisor: Supervisor
    chance: random.Random
    killed: Counter[str] = field(default_factory=Counter)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Kill until stopped."""
        while not self._stopped.wait(self.chance.uniform(1.0, 2.0)):
            program, pid = self.chance.choice(self._victims())
            os.kill(pid, signal.SIGKILL)
            self.killed[program] += 1

    def stop(self) -> None:
        """Stop killing."""
        self._stopped.set()

    def _victims(self) -> list[tuple[str, int]]:
        processes = self.supervisor.call("getAllProcessInfo")
        return [
            (str(process["name"]), int(process["pid"]))
            for process in processes
            if process["pid"] and process["name"] not in SPARED and not process["name"].startswith(APPS)
        ]


@contextmanager
def killing(supervisor: Supervisor, chance: random.Random) -> Iterator[Killer]:
    """Kill while the block runs."""
    killer = Killer(supervisor=supervisor, chance=chance)
    thread = threading.Thread(target=killer.run, daemon=True)
    thread.start()
    try:
        yield killer
    finally:
        killer.stop()
        thread.join(timeout=patient(30))
