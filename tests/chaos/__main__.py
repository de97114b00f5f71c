"""`task chaos`: prints the numbers and exits 0 when each is 0."""

import argparse
import random
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from functions.common.settings import Settings
from functions.local.platform.run import running
from tests.chaos.storm import APPS, Outcome, storm
from tests.local.sandboxed import sandbox_settings


def main(arguments: list[str]) -> int:
    """Run it on a new platform."""
    parser = argparse.ArgumentParser(prog="task chaos --", description=__doc__)
    parser.add_argument("--pushes", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--home", type=Path, help="keep the state in this folder")
    options = parser.parse_args(arguments)
    print(f"chaos: {options.pushes} pushes over {APPS} apps, each sent 3 times; --seed {options.seed}", flush=True)
    with ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="slipway-chaos-", ignore_cleanup_errors=True)
        folder: Path = options.home or Path(stack.enter_context(temporary))
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)  # PostgreSQL runs as another user where this one is root
        given = {"SLIPWAY_LOCAL_CLOCK": "2", "SLIPWAY_CANARY_PAUSE": "0", **sandbox_settings(folder)}
        settings = Settings(environment=given)
        platform = stack.enter_context(running(folder / "home", default_ports=False, settings=settings))
        outcome = storm(platform, folder, pushes=options.pushes, chance=random.Random(options.seed))
    print(_text(outcome))
    return 0 if outcome.is_clean else 1


def _text(outcome: Outcome) -> str:
    killed = ", ".join(f"{name} {count}" for name, count in sorted(outcome.killer.killed.items()))
    failed = [answer for answer in outcome.quiet if answer.failed]
    failed_busy = [answer for answer in outcome.busy if answer.failed]
    lines = [
        f"killed with -9: {outcome.killer.killed.total()} ({killed})",
        f"deliveries never accepted: {len(outcome.refused)} {outcome.refused[:1] or ''}",
        f"pushes lost: {outcome.verdict.lost}",
        f"built twice: {outcome.verdict.built_twice}",
        f"older over newer: {outcome.verdict.older_over_newer}",
        f"stuck: {outcome.verdict.stuck}",
        f"apps not at their last commit: {outcome.verdict.not_at_their_last_commit}",
        f"failed requests, apps not being deployed: {len(failed)} of {len(outcome.quiet)} {failed[:1] or ''}",
        f"failed requests, apps being deployed: {len(failed_busy)} of {len(outcome.busy)} {failed_busy[:1] or ''}",
        f"{outcome.seconds:.0f} s: {'all is well' if outcome.is_clean else 'NOT clean'}",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
