"""`python -m tests.cluster build | api | api-down | gitea | gitea-down | up | install | test | story | warm | down`."""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.cluster.api import api, api_down
from tests.cluster.build import build
from tests.cluster.cache import DEFAULT_HOME, Cache
from tests.cluster.down import down
from tests.cluster.gitea import gitea, gitea_down
from tests.cluster.install import install
from tests.cluster.steps import StepError
from tests.cluster.suite import run_story, run_tests, warm
from tests.cluster.up import up


def main(arguments: list[str]) -> int:
    """Do what is asked, and say how long it took."""
    actions: dict[str, Callable[[Cache], object]] = {
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
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("action", choices=actions)
    parser.add_argument("--cache", type=Path, default=DEFAULT_HOME, help="where builds are kept (%(default)s)")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        actions[options.action](Cache(home=options.cache.resolve()))
    except StepError as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"{error}\n{error.stderr or ''}", file=sys.stderr)
        return 1
    print(f"cluster {options.action}: {time.monotonic() - started:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
