"""Pushes, webhooks sent three times, and kills, while every app is probed; then the check of the outcome."""

import random
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from functions.common.adapters.postgres.client import Postgres
from functions.common.errors import Unavailable
from functions.local.demo.traffic import Answer, probing
from functions.local.platform.run import Platform
from tests.chaos.apps import ChaosApp, create
from tests.chaos.killer import Killer, killing
from tests.chaos.verdict import Verdict, live, unfinished, verdict
from tests.chaos.webhooks import Sender
from tests.patience import patient

APPS, QUIET, PROBE_RATE = 6, 2, 5.0
_END_SECONDS, _CALM_SECONDS = 240.0, 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome; `quiet` are the answers of apps that were not deployed meanwhile, `busy` those of the others."""

    verdict: Verdict
    refused: list[str]
    killer: Killer
    quiet: list[Answer]
    busy: list[Answer]
    seconds: float

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong."""
        return self.verdict.is_clean and not self.refused and not any(answer.failed for answer in self.quiet)


def storm(platform: Platform, folder: Path, *, pushes: int, chance: random.Random) -> Outcome:
    """Push `pushes` commits over the apps while parts are killed, and return the outcome."""
    database, started = Postgres(platform.endpoints.database), time.monotonic()
    apps = [create(platform, folder, f"storm-{n}") for n in range(1, APPS + 1)]
    quiet = [create(platform, folder, f"quiet-{n}") for n in range(1, QUIET + 1)]
    sender = Sender(gateway=platform.endpoints.gateway, secret=platform.endpoints.webhook_secret, chance=chance)
    for app in [*apps, *quiet]:
        sender.send(app.push())
    wait_until_ended(database, [*apps, *quiet])
    at = platform.endpoints
    with ExitStack() as stack:
        probes = {
            app.name: stack.enter_context(
                probing(host=f"{app.name}.localhost", port=at.apps_port, ca=Path(at.ca), rate=PROBE_RATE)
            )
            for app in [*apps, *quiet]
        }
        with killing(platform.supervisor, chance) as killer:
            _push_all(sender, apps, pushes, chance)
        wait_until_ended(database, apps)
    return Outcome(
        verdict=verdict(database, {app.name: app.commits for app in apps}),
        refused=sender.refused,
        killer=killer,
        quiet=[answer for app in quiet for answer in probes[app.name].answers],
        busy=[answer for app in apps for answer in probes[app.name].answers],
        seconds=time.monotonic() - started,
    )


def _push_all(sender: Sender, apps: list[ChaosApp], pushes: int, chance: random.Random) -> None:
    for _ in range(pushes // len(apps)):
        for app in chance.sample(apps, len(apps)):
            sender.send(app.push())
            time.sleep(chance.uniform(0, 1.2))
    sender.wait()


def wait_until_ended(database: Postgres, apps: list[ChaosApp]) -> None:
    """Wait until every push has ended and every app serves its last commit, or the time is over."""
    deadline = time.monotonic() + patient(_END_SECONDS)
    while time.monotonic() < deadline:
        try:
            if not unfinished(database) and all(live(database, app.name) == app.commits[-1] for app in apps):
                time.sleep(_CALM_SECONDS)  # late events may arrive now, and must change nothing
                return
        except Unavailable:
            pass  # it may still be starting after its last kill
        time.sleep(0.5)
