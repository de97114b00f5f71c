"""`python -m tests.cluster.kit ACTION`: builds, starts, fills, tests and removes a cluster.

CLUSTER chooses the cluster: `own`, the default, is built here; `current` is that of KUBECONFIG; `kind` is made by kind.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from functions.common.settings import from_environment
from tests.cluster.kit import existing, kind
from tests.cluster.kit.api import api, api_down
from tests.cluster.kit.build import build
from tests.cluster.kit.cache import DEFAULT_HOME, Cache
from tests.cluster.kit.down import down
from tests.cluster.kit.gitea import gitea, gitea_down
from tests.cluster.kit.install import install
from tests.cluster.kit.steps import StepError
from tests.cluster.kit.suite import run_story, run_tests, warm
from tests.cluster.kit.up import up

Action = Callable[[Cache], object]
ACTIONS: dict[str, Action] = {
    "build": build,
    "api": api,
    "api-down": api_down,
    "gitea": gitea,
    "gitea-down": gitea_down,
    "up": up,
    "install": install,
    "test": run_tests,
    "story": run_story,
    "warm": warm,
    "down": down,
}
ELSEWHERE = dict.fromkeys(
    ("install", "story"),
    existing.refusal("this is for the cluster that CLUSTER=own builds: on another docs/operate.md installs Slipway"),
)
CLUSTERS: dict[str, dict[str, Action]] = {
    "own": ACTIONS,
    "current": {
        **ACTIONS,
        **ELSEWHERE,
        "up": existing.check_current,
        "test": existing.test_current,
        "down": existing.refusal("CLUSTER=current is a cluster of yours: nothing of it is ours to remove"),
    },
    "kind": {**ACTIONS, **ELSEWHERE, "up": kind.up, "test": kind.test, "down": kind.down},
}


def main(arguments: list[str]) -> int:
    """Run the action and print how long it took."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.kit", description=__doc__)
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("--cache", type=Path, default=DEFAULT_HOME, help="where builds are kept (%(default)s)")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        _action(options.action)(Cache(home=options.cache.resolve()))
    except StepError as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"{error}\n{error.stderr or ''}", file=sys.stderr)
        return 1
    print(f"cluster {options.action}: {time.monotonic() - started:.1f} s", flush=True)
    return 0


def _action(name: str) -> Action:
    cluster = from_environment().environment.get("CLUSTER") or "own"
    if cluster not in CLUSTERS:
        msg = f"CLUSTER is {cluster!r}: it can be {', '.join(CLUSTERS)}"
        raise StepError(msg)
    return CLUSTERS[cluster][name]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
